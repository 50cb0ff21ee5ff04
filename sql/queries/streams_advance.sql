-- streams_advance: see sql/functions/streams_advance.sql. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 limit int4
-- result: 0 streams int4, 1 subjects int4, 2 concerned int4
select * from lx.streams_advance($1::int4, $2::int4)
