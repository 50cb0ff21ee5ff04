-- ops_device_revoke: see sql/functions/ops_device_revoke.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 device bytea
-- result: 0 verdict int4
select * from lx.ops_device_revoke($1::text, $2::bytea)
