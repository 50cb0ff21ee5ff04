-- day_begin: see sql/functions/day_begin.sql. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 day text, $3 all bool
-- result: 0 begun bool
select * from lx.day_begin($1::int4, $2::text, $3::bool)
