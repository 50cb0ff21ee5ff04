-- Adds differences to roll-ups.
-- Takes district, programme, units, roles, items and 14 numbers a row: subjects, open, passed, failed, exempt, points, started, done, late, missed,
-- online_hours, school_hours, credits, obliged. The same (unit, role, item) may come more than once. Returns nothing. Needs district_take. Locks the roll-ups' rows.
create or replace function lx.rollup_apply(p_district int4, p_programme int4, p_unit uuid[], p_role int4[], p_item text[], p_delta int8[]) returns void
language plpgsql
as $$
#variable_conflict use_column
begin
  insert into lx.rollup as r (district, unit, programme, role, item, subjects, open, passed, failed, exempt, points, started, done, late, missed,
                              online_hours, school_hours, credits, obliged)
  select p_district, d.unit, p_programme, d.role, d.item,
         sum(p_delta[d.no * 14 - 13]), sum(p_delta[d.no * 14 - 12]), sum(p_delta[d.no * 14 - 11]), sum(p_delta[d.no * 14 - 10]), sum(p_delta[d.no * 14 - 9]),
         sum(p_delta[d.no * 14 - 8]), sum(p_delta[d.no * 14 - 7]), sum(p_delta[d.no * 14 - 6]), sum(p_delta[d.no * 14 - 5]), sum(p_delta[d.no * 14 - 4]),
         sum(p_delta[d.no * 14 - 3]), sum(p_delta[d.no * 14 - 2]), sum(p_delta[d.no * 14 - 1]), sum(p_delta[d.no * 14])
  from unnest(p_unit, p_role, p_item) with ordinality d (unit, role, item, no)
  group by d.unit, d.role, d.item
  on conflict (district, unit, programme, role, item) do update
  set subjects = r.subjects + excluded.subjects, open = r.open + excluded.open, passed = r.passed + excluded.passed, failed = r.failed + excluded.failed,
      exempt = r.exempt + excluded.exempt, points = r.points + excluded.points, started = r.started + excluded.started, done = r.done + excluded.done,
      late = r.late + excluded.late, missed = r.missed + excluded.missed, online_hours = r.online_hours + excluded.online_hours,
      school_hours = r.school_hours + excluded.school_hours, credits = r.credits + excluded.credits, obliged = r.obliged + excluded.obliged;
end
$$;
revoke all on function lx.rollup_apply from public;
grant execute on function lx.rollup_apply to lianxiao_assessor;
