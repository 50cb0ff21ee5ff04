-- device_renewed: see sql/functions/device_renewed.sql. Called by role lianxiao_api.
-- parameters: $1 device bytea, $2 certificate_until timestamptz
-- result: 0 done bool
select * from lx.device_renewed($1::bytea, $2::timestamptz)
