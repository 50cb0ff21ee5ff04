-- Begins a day in a district, once: keeps the roll-ups as they are (history, "since yesterday") and puts on todo (lane 2) whom the new day touches: everybody
-- when a stage begins or ends (p_all; the scheme's dates are the assessor's to know) or when no day was begun before, else the people with a membership that
-- begins or ends, its unit and its school.
-- Takes district, day (YYYY-MM-DD, Asia/Shanghai) and p_all. Returns whether this call began it. Locks the row of district_state.
drop function if exists lx.day_begin(int4, text);
create or replace function lx.day_begin(p_district int4, p_day text, p_all bool) returns table (begun bool)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_former date;
begin
  select s.day into v_former from lx.district_state s
  where s.district = p_district and (s.day is null or s.day < p_day::date) for update;
  if not found then
    return query select false;
    return;
  end if;
  update lx.district_state s set day = p_day::date where s.district = p_district;
  insert into lx.rollup_day select p_day::date, r.* from lx.rollup r where r.district = p_district on conflict do nothing;
  if p_all or v_former is null then
    insert into lx.todo (district, subject, level, lane)
    select p.district, p.id, 5, 2 from lx.person p where p.district = p_district
    union all
    select u.district, u.id, u.level, 2 from lx.unit u where u.district = p_district and u.level >= 2;
  else
    insert into lx.todo (district, subject, level, lane)
    with dated as (
      select m.person, m.unit from lx.membership m
      where m.district = p_district
        and ((m.from_at at time zone 'Asia/Shanghai')::date between v_former and p_day::date
          or (m.until_at at time zone 'Asia/Shanghai')::date between v_former and p_day::date)
    )
    select p_district, d.person, 5, 2 from dated d
    union
    select p_district, a.id, a.level, 2
    from dated d join lx.unit u on u.id = d.unit join lx.unit a on a.id = any(u.path)
    where a.level >= 3;
  end if;
  return query select true;
end
$$;
revoke all on function lx.day_begin from public;
grant execute on function lx.day_begin to lianxiao_assessor;
