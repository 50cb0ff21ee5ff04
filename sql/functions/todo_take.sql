-- Takes the next subjects to assess off todo: live before rescore, persons before workshops before schools before districts, each once.
-- Takes the district and how many at most. Returns subjects; all their entries are removed, so the transaction must do the work. Needs district_take.
-- Locks the removed rows (nobody else touches them).
create or replace function lx.todo_take(p_district int4, p_limit int4) returns table (subject uuid, level int4, lane int4, since timestamptz)
language sql
as $$
  with first as materialized (
    select t.lane, t.level from lx.todo t where t.district = p_district order by t.lane, t.level desc limit 1
  ),
  picked as materialized (
    select t.id, t.subject, t.level, t.lane, t.since
    from first f join lx.todo t on t.district = p_district and t.lane = f.lane and t.level = f.level
    limit p_limit
  ),
  gone as (
    delete from lx.todo t using picked p where t.district = p_district and t.id = p.id
  )
  select p.subject, max(p.level), max(p.lane), min(p.since) from picked p group by p.subject
$$;
revoke all on function lx.todo_take from public;
grant execute on function lx.todo_take to lianxiao_assessor;
