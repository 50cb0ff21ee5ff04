-- statistics_units: figures of the people of a unit, or of the units of one level in it, in the order of their codes. See sql/functions/statistics_units.sql.
-- Role lianxiao_api, under row level security.
-- parameters: $1 programme int4, $2 unit uuid, $3 level of the lines int4, $4 after code text, $5 limit int4, $6 at least: streams uuid[], $7 seqs int8[]
-- result: no row: the unit is unknown, not in scope, or its figures are not for this person. Else one row per line, or one with a null code:
--   0 complete_through timestamptz, 1 scheme_version int4, 2 to_rescore int8, 3 day date, 4 covers bool,
--   5 code text, 6 name text, 7 level int4, 8 role int4, 9 subjects int8, 10 passed, 11 open, 12 failed, 13 exempt, 14 points, 15 done, 16 started, 17 late,
--   18 missed, 19 online_hours, 20 school_hours, 21 credits
select * from lx.statistics_units($1::int4, $2::uuid, $3::int4, $4::text, $5::int4, $6::uuid[], $7::int8[])
