-- Begins a day in a district, once: keeps the roll-ups as they are (history, "since yesterday") and puts everybody on todo (lane 2), so that dates act.
-- Takes district and day (YYYY-MM-DD, Asia/Shanghai). Returns whether this call began it. Locks the row of district_state.
create or replace function lx.day_begin(p_district int4, p_day text) returns table (begun bool)
language plpgsql
as $$
#variable_conflict use_column
begin
  update lx.district_state s set day = p_day::date where s.district = p_district and (s.day is null or s.day < p_day::date);
  if not found then
    return query select false;
    return;
  end if;
  insert into lx.rollup_day select p_day::date, r.* from lx.rollup r where r.district = p_district on conflict do nothing;
  insert into lx.todo (district, subject, level, lane)
  select p.district, p.id, 5, 2 from lx.person p where p.district = p_district
  union all
  select u.district, u.id, u.level, 2 from lx.unit u where u.district = p_district and u.level >= 2;
  return query select true;
end
$$;
revoke all on function lx.day_begin from public;
grant execute on function lx.day_begin to lianxiao_assessor;
