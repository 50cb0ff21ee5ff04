-- ops_user_reset: see sql/functions/ops_user_reset.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 account text, $3 password_hash text
-- result: 0 verdict int4
select * from lx.ops_user_reset($1::text, $2::text, $3::text)
