-- ops_user_add: see sql/functions/ops_user_add.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 account text, $3 name text, $4 person uuid, $5 password_hash text, $6 role int4, $7 unit_code text, $8 grant uuid
-- result: 0 verdict int4, 1 person uuid
select * from lx.ops_user_add($1::text, $2::text, $3::text, $4::uuid, $5::text, $6::int4, $7::text, $8::uuid)
