-- user_add: see sql/functions/user_add.sql. Called by role lianxiao_api.
-- parameters: $1 by uuid, $2 device bytea, $3 account text, $4 name text, $5 person uuid, $6 password_hash text, $7 role int4, $8 unit_code text,
--   $9 grant uuid
-- result: 0 verdict int4, 1 person uuid
select * from lx.user_add($1::uuid, $2::bytea, $3::text, $4::text, $5::uuid, $6::text, $7::int4, $8::text, $9::uuid)
