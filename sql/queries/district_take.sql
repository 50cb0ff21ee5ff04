-- district_take: see sql/functions/district_take.sql. Called by role lianxiao_assessor.
-- parameters: $1 district int4
-- result: 0 taken bool, 1 now timestamptz, 2 day date
select * from lx.district_take($1::int4)
