-- ops_grant_add: see sql/functions/ops_grant_add.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 account text, $3 role int4, $4 unit_code text, $5 from_at timestamptz, $6 until_at timestamptz, $7 grant uuid
-- result: 0 verdict int4, 1 grant_id uuid
select * from lx.ops_grant_add($1::text, $2::text, $3::int4, $4::text, $5::timestamptz, $6::timestamptz, $7::uuid)
