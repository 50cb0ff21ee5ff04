-- statistics_items: figures of a unit by indicator or by stage and by the role it is asked of, in the order of the codes. Role lianxiao_api. Reads roll-ups
-- only; the city is the sum of its districts. Figures and watermark are of one snapshot.
-- parameters: $1 programme int4, $2 unit uuid, $3 stages (else indicators) bool, $4 after code text, $5 limit int4 (of codes, so a page never ends inside one),
--   $6 at least: streams uuid[], $7 seqs int8[]
-- result: no row: the unit is unknown or not in scope. Else one row per line, or one with a null code; columns as in statistics_units, without name (null)
with asked as (
  select u.id, u.level, u.district
  from lx.unit u
  join lx.head h on h.district = u.district and h.stream = u.id
  where u.id = $2::uuid
    and (u.level > 1 or not exists (
      select from lx.unit d
      where d.level = 2 and not exists (select from lx.head v where v.district = d.district and v.stream = d.id)))
),
mark as (
  select case when bool_and(s.complete_through is not null) then min(s.complete_through) end as complete_through,
         min(s.scheme_version) as scheme_version, sum(s.to_rescore)::int8 as to_rescore, min(s.day) as day
  from asked a
  join lx.district_state s on s.district = a.district or (a.level = 1 and s.district > 0)
),
covered as (
  select not exists (
    select from unnest($6::uuid[], $7::int8[]) w (stream, seq)
    where not exists (select from lx.unit u join lx.head h on h.district = u.district and h.stream = u.id where u.id = w.stream))
    and lx.figures_cover($6::uuid[], $7::int8[]) as covers
),
lines as (
  select case when $3::bool then substr(r.item, 7) else r.item end as code, a.level, r.role, sum(r.subjects) as subjects, sum(r.passed) as passed,
         sum(r.open) as open, sum(r.failed) as failed, sum(r.exempt) as exempt, sum(r.points) as points, sum(r.done) as done, sum(r.started) as started,
         sum(r.late) as late, sum(r.missed) as missed, sum(r.online_hours) as online_hours, sum(r.school_hours) as school_hours, sum(r.credits) as credits
  from asked a
  join lx.unit p on p.id = a.id or (a.level = 1 and p.parent = a.id)
  join lx.rollup r on r.district = p.district and r.unit = p.id and r.programme = $1::int4
  where r.item <> '' and (r.item like 'stage:%') = $3::bool
    and case when $3::bool then substr(r.item, 7) else r.item end > $4::text
  group by 1, 2, 3
  having sum(r.subjects) <> 0 or sum(r.started) <> 0 or sum(r.exempt) <> 0
),
paged as (
  select l.*, dense_rank() over (order by l.code) as place from lines l
)
select m.complete_through, m.scheme_version, m.to_rescore, m.day, c.covers,
       l.code, null::text as name, l.level, l.role, l.subjects::int8 as subjects, l.passed::int8 as passed, l.open::int8 as open, l.failed::int8 as failed,
       l.exempt::int8 as exempt, l.points::int8 as points, l.done::int8 as done, l.started::int8 as started, l.late::int8 as late, l.missed::int8 as missed,
       l.online_hours::int8 as online_hours, l.school_hours::int8 as school_hours, l.credits::int8 as credits
from asked a
cross join mark m
cross join covered c
left join paged l on l.place <= $5::int4
order by l.code, l.role
