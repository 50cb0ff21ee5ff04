-- device_check: see sql/functions/device_check.sql. Called by role lianxiao_api.
-- parameters: $1 device bytea
-- result: 0 verdict int4, 1 unit uuid
select * from lx.device_check($1::bytea)
