-- Takes the next subjects of one lane off todo in the order of their turns (todo_turn), of one statement's entries persons before workshops before schools before districts, each once.
-- Takes the district, the lane (1 live, 2 rescore) and how many entries at most. Returns subjects with their number of entries and the oldest pass that
-- these stand for; the entries are removed, so the transaction must do the work. Fewer entries than the limit: the lane is empty. Needs district_take. Locks the removed rows (nobody else touches them).
drop function if exists lx.todo_take(int4, int4, int4);
create or replace function lx.todo_take(p_district int4, p_lane int4, p_limit int4) returns table (subject uuid, level int4, entries int4, pass int8)
language plpgsql
as $$
#variable_conflict use_column
begin
  return query
    with picked as materialized (
      select t.ctid as place, t.subject, t.level, t.pass
      from lx.todo t
      where t.district = p_district and t.lane = p_lane
      order by t.since, t.level desc
      limit p_limit
    ),
    gone as (
      -- by their places, since nobody else touches the rows: no look-up, and no plan that depends on how full todo once was. The district
      -- is asked for, too, since two parts of a distributed table may have the same place; not so that its index would be read.
      delete from lx.todo t where t.district + 0 = p_district and t.ctid = any(array(select p.place from picked p))
    )
    select p.subject, p.level, count(*)::int4, min(p.pass) from picked p group by p.subject, p.level order by p.level desc, p.subject;
end
$$;
revoke all on function lx.todo_take from public;
grant execute on function lx.todo_take to lianxiao_assessor;
