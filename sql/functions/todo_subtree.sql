-- Puts a unit, all units below it and all persons whose rows lie in their streams on todo.
-- Takes district, unit and lane. Returns how many. Locks nothing.
create or replace function lx.todo_subtree(p_district int4, p_unit uuid, p_lane int4) returns table (subjects int8)
language sql
as $$
  with put as (
    insert into lx.todo (district, subject, level, lane)
    select p_district, u.id, u.level, p_lane from lx.unit u where u.path @> array[p_unit] and u.district = p_district
    union all
    select p_district, p.id, 5, p_lane
    from lx.unit u join lx.person p on p.district = p_district and p.stream = u.id
    where u.path @> array[p_unit] and u.district = p_district
    returning 1)
  select count(*) from put
$$;
revoke all on function lx.todo_subtree from public;
grant execute on function lx.todo_subtree to lianxiao_assessor;
