-- unit_import: see sql/functions/unit_import.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 id uuid[], $3 parent_code text[], $4 level int4[], $5 code text[], $6 name text[], $7 district int4[],
--   $8 printed_size int4[], $9 attributes bytea[]
-- result: 0 row_no int4, 1 verdict int4
select * from lx.unit_import($1::text, $2::uuid[], $3::text[], $4::int4[], $5::text[], $6::text[], $7::int4[], $8::int4[], $9::bytea[])
