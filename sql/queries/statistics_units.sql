-- statistics_units: figures of the people of a unit, or of the units of one level in it, in the order of their codes. Role lianxiao_api. Reads roll-ups only;
-- the city is the sum of its districts. Figures and watermark are of one snapshot.
-- parameters: $1 programme int4, $2 unit uuid, $3 level of the lines int4, $4 after code text, $5 limit int4, $6 at least: streams uuid[], $7 seqs int8[]
-- result: no row: the unit is unknown, not in scope, or its figures are not for this person. Else one row per line, or one with a null code:
--   0 complete_through timestamptz, 1 scheme_version int4, 2 to_rescore int8, 3 day date, 4 covers bool,
--   5 code text, 6 name text, 7 level int4, 8 role int4, 9 subjects int8, 10 passed, 11 open, 12 failed, 13 exempt, 14 points, 15 done, 16 started, 17 late,
--   18 missed, 19 online_hours, 20 school_hours, 21 credits
with asked as materialized (
  select * from lx.statistics_of($2::uuid, $6::uuid[], $7::int8[])
),
listed as (
  select u.id, u.code, u.name, u.level, u.district
  from asked a
  join lx.unit u on u.id = a.id
  where u.level = $3::int4 and u.code > $4::text
  union all
  (select u.id, u.code, u.name, u.level, u.district
   from asked a
   join lx.unit u on u.path @> array[a.id] and u.level = $3::int4
   where a.level < $3::int4 and u.code > $4::text
   order by u.code
   limit $5::int4)
),
lines as (
  select l.code, l.name, l.level, 1 as role, sum(r.subjects) as subjects, sum(r.passed) as passed, sum(r.open) as open, sum(r.failed) as failed,
         sum(r.exempt) as exempt, sum(r.points) as points, sum(r.done) as done, sum(r.started) as started, sum(r.late) as late, sum(r.missed) as missed,
         sum(r.online_hours) as online_hours, sum(r.school_hours) as school_hours, sum(r.credits) as credits
  from listed l
  cross join lateral (
    select l.district, l.id where l.level > 1
    union all
    select d.district, d.id from lx.unit d where l.level = 1 and d.parent = l.id
  ) p
  left join lx.rollup r on r.district = p.district and r.unit = p.id and r.programme = $1::int4 and r.role = 1 and r.item = ''
  group by l.code, l.name, l.level
)
select a.complete_through, a.scheme_version, a.to_rescore, a.day, a.covers,
       l.code, l.name, l.level, l.role, coalesce(l.subjects, 0)::int8 as subjects, coalesce(l.passed, 0)::int8 as passed, coalesce(l.open, 0)::int8 as open,
       coalesce(l.failed, 0)::int8 as failed, coalesce(l.exempt, 0)::int8 as exempt, coalesce(l.points, 0)::int8 as points, coalesce(l.done, 0)::int8 as done,
       coalesce(l.started, 0)::int8 as started, coalesce(l.late, 0)::int8 as late, coalesce(l.missed, 0)::int8 as missed,
       coalesce(l.online_hours, 0)::int8 as online_hours, coalesce(l.school_hours, 0)::int8 as school_hours, coalesce(l.credits, 0)::int8 as credits
from asked a
left join lines l on true
order by l.code
