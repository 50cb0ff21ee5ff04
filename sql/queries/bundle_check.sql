-- bundle_check: see sql/functions/bundle_check.sql. Called by role lianxiao_api.
-- parameters: $1 carrier uuid, $2 carrier_device bytea, $3 device bytea, $4 person uuid, $5 login bytea, $6 bundle uuid, $7 part int4
-- result: 0 verdict int4
select * from lx.bundle_check($1::uuid, $2::bytea, $3::bytea, $4::uuid, $5::bytea, $6::uuid, $7::int4)
