-- Districts with something to do for the assessor: streams behind their heads, subjects on todo, a new day, or no round yet. The others have nothing that
-- their figures do not contain, so their watermark moves to the clock read before this statement's snapshot (when it is older than 0.2 s); a district that
-- another assessor has just taken is left to it.
-- Returns district int4 (one row with null: none). Locks the rows of district_state that it moves. A watermark alone may be lost in a crash of the database.
with quiet as (
  select set_config('synchronous_commit', 'off', true) as quiet
),
behind as (
  select h.district
  from lx.head h
  cross join lateral ( -- a look-up for each: planned over few streams, the join compared all with all
    select coalesce(max(c.seq), 0) as seq from lx.stream_cursor c where c.district = h.district and c.stream = h.stream offset 0
  ) c
  where h.head > c.seq
  group by h.district
),
work as (
  select d.district
  from lx.district_state d
  where d.day is distinct from (statement_timestamp() at time zone 'Asia/Shanghai')::date
     or d.complete_through is null
     or d.district in (select b.district from behind b)
     or exists (select from lx.todo t where t.district = d.district)
),
idle as (
  select d.district
  from lx.district_state d
  where d.complete_through < statement_timestamp() - interval '200 milliseconds' and d.district not in (select w.district from work w)
  for update of d skip locked
),
moved as (
  update lx.district_state d set complete_through = greatest(d.complete_through, statement_timestamp())
  from idle i
  where d.district = i.district
)
select w.district
from quiet q left join work w on true
where q.quiet is not null
order by w.district
