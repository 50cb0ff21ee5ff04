-- district_put: see sql/functions/district_put.sql. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 complete_through timestamptz, $3 scheme_version int4, $4 to_rescore int8, $5 waiting int8
-- result: one row, one column without meaning
select * from lx.district_put($1::int4, $2::timestamptz, $3::int4, $4::int8, $5::int8)
