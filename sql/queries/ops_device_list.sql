-- ops_device_list: see sql/functions/ops_device_list.sql. Called by role lianxiao_ops.
-- parameters: none
-- result: 0 device bytea, 1 unit_code text, 2 enrolled_at timestamptz, 3 certificate_until timestamptz, 4 revoked_at timestamptz,
--   5 frozen_at timestamptz
select * from lx.ops_device_list()
