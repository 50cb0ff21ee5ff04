-- ops_user_disable: see sql/functions/ops_user_disable.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 account text
-- result: 0 verdict int4
select * from lx.ops_user_disable($1::text, $2::text)
