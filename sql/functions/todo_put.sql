-- Puts subjects on todo.
-- Takes district, subjects, their levels (2 district, 3 school, 4 workshop, 5 person) and the lane. Returns nothing. Locks nothing.
create or replace function lx.todo_put(p_district int4, p_subject uuid[], p_level int4[], p_lane int4) returns void
language sql
as $$
  insert into lx.todo (district, subject, level, lane)
  select distinct p_district, t.subject, t.level, p_lane from unnest(p_subject, p_level) t (subject, level)
$$;
revoke all on function lx.todo_put from public;
grant execute on function lx.todo_put to lianxiao_assessor;
