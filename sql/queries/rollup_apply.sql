-- rollup_apply: see sql/functions/rollup_apply.sql. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 programme int4, $3 unit uuid[], $4 role int4[], $5 item text[], $6 delta int8[]
-- result: one row, one column without meaning
select * from lx.rollup_apply($1::int4, $2::int4, $3::uuid[], $4::int4[], $5::text[], $6::int8[])
