-- ops_grant_revoke: see sql/functions/ops_grant_revoke.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 grant uuid, $3 for_cause bool
-- result: 0 verdict int4
select * from lx.ops_grant_revoke($1::text, $2::uuid, $3::bool)
