-- Puts subjects on todo. Units have their turn behind people (todo_turn): until then more of their people may be scored.
-- Takes district, subjects, their levels (2 district, 3 school, 4 workshop, 5 person), the lane and the oldest pass whose facts they stand for (0: of none).
-- Returns nothing. Locks nothing.
drop function if exists lx.todo_put(int4, uuid[], int4[], int4);
create or replace function lx.todo_put(p_district int4, p_subject uuid[], p_level int4[], p_lane int4, p_pass int8) returns void
language sql
as $$
  insert into lx.todo (district, subject, level, lane, since, pass)
  select distinct p_district, t.subject, t.level, p_lane, lx.todo_turn(case when t.level = 5 then 1 end), p_pass from unnest(p_subject, p_level) t (subject, level)
$$;
revoke all on function lx.todo_put from public;
grant execute on function lx.todo_put to lianxiao_assessor;
