-- standing_put: see sql/functions/standing_put.sql. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 as_of text, $3 id uuid[], $4 stream uuid[], $5 subject uuid[], $6 programme int4[], $7 role int4[],
--   $8 state int4[], $9 points int8[], $10 total int8[], $11 scheme_version int4[], $12 receipt bytea[], $13 contribution bytea[]
-- result: 0 row_no int4, 1 verdict int4
select * from lx.standing_put($1::int4, $2::text, $3::uuid[], $4::uuid[], $5::uuid[], $6::int4[], $7::int4[], $8::int4[], $9::int8[], $10::int8[],
  $11::int4[], $12::bytea[], $13::bytea[])
