-- statistics_items: figures of a unit by indicator or by stage and by the role it is asked of, in the order of the codes. Role lianxiao_api. Reads roll-ups
-- only; the city is the sum of its districts. Figures and watermark are of one snapshot.
-- parameters: $1 programme int4, $2 unit uuid, $3 stages (else indicators) bool, $4 after code text, $5 limit int4 (of codes, so a page never ends inside one),
--   $6 at least: streams uuid[], $7 seqs int8[]
-- result: no row: the unit is unknown, not in scope, or its figures are not for this person. Else one row per line, or one with a null code; columns as in statistics_units, without name (null)
with asked as materialized (
  select * from lx.statistics_of($2::uuid, $6::uuid[], $7::int8[]) a where a.id is not null
),
lines as (
  select case when $3::bool then substr(r.item, 7) else r.item end as code, a.level, r.role, sum(r.subjects) as subjects, sum(r.passed) as passed,
         sum(r.open) as open, sum(r.failed) as failed, sum(r.exempt) as exempt, sum(r.points) as points, sum(r.done) as done, sum(r.started) as started,
         sum(r.late) as late, sum(r.missed) as missed, sum(r.online_hours) as online_hours, sum(r.school_hours) as school_hours, sum(r.credits) as credits
  from asked a
  cross join lateral (
    select a.district, a.id where a.level > 1
    union all
    select d.district, d.id from lx.unit d where a.level = 1 and d.parent = a.id
  ) p
  cross join lateral (
    select r.* from lx.rollup r where r.district = p.district and r.unit = p.id and r.programme = $1::int4 offset 0 -- a unit at a time, whatever the planner knows
  ) r
  where r.item <> '' and (r.item like 'stage:%') = $3::bool
    and case when $3::bool then substr(r.item, 7) else r.item end > $4::text
  group by 1, 2, 3
  having sum(r.subjects) <> 0 or sum(r.started) <> 0 or sum(r.exempt) <> 0
),
paged as (
  select l.*, dense_rank() over (order by l.code) as place from lines l
)
select a.complete_through, a.scheme_version, a.to_rescore, a.day, a.covers,
       l.code, null::text as name, l.level, l.role, l.subjects::int8 as subjects, l.passed::int8 as passed, l.open::int8 as open, l.failed::int8 as failed,
       l.exempt::int8 as exempt, l.points::int8 as points, l.done::int8 as done, l.started::int8 as started, l.late::int8 as late, l.missed::int8 as missed,
       l.online_hours::int8 as online_hours, l.school_hours::int8 as school_hours, l.credits::int8 as credits
from asked a
left join paged l on l.place <= $5::int4
order by l.code, l.role
