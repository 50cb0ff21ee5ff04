-- statistics_unit: figures of the people of one unit, which is not the city: the one line that statistics_units would give, in one plan. Role lianxiao_api,
-- under row level security.
-- parameters: $1 programme int4, $2 unit uuid, $3 at least: streams uuid[], $4 seqs int8[]
-- result: no row: the unit is unknown, not in scope, or its figures are not for this person. Else one; columns as in statistics_units
select a.complete_through, a.scheme_version, a.to_rescore, a.day, lx.covers_here($3::uuid[], $4::int8[]) as covers, a.code, a.name, a.level, 1 as role,
       coalesce(r.subjects, 0) as subjects, coalesce(r.passed, 0) as passed, coalesce(r.open, 0) as open, coalesce(r.failed, 0) as failed,
       coalesce(r.exempt, 0) as exempt, coalesce(r.points, 0) as points, coalesce(r.done, 0) as done, coalesce(r.started, 0) as started,
       coalesce(r.late, 0) as late, coalesce(r.missed, 0) as missed, coalesce(r.online_hours, 0) as online_hours, coalesce(r.school_hours, 0) as school_hours,
       coalesce(r.credits, 0) as credits
from lx.asked_of($2::uuid) a
left join lateral (
  select r.* from lx.rollup r where r.district = a.district and r.unit = a.id and r.programme = $1::int4 and r.role = 1 and r.item = '' offset 0
) r on true -- looked up, whatever the planner knows
