-- grant_add: see sql/functions/grant_add.sql. Called by role lianxiao_api.
-- parameters: $1 by uuid, $2 device bytea, $3 account text, $4 role int4, $5 unit_code text, $6 from_at timestamptz, $7 until_at timestamptz,
--   $8 grant uuid
-- result: 0 verdict int4, 1 grant_id uuid
select * from lx.grant_add($1::uuid, $2::bytea, $3::text, $4::int4, $5::text, $6::timestamptz, $7::timestamptz, $8::uuid)
