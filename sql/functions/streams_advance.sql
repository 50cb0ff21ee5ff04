-- One pass over the streams of a district that are behind their heads: the subjects of new facts go on todo (lane 1) unless they wait there, a stream's together
-- and those of a crowd behind others (todo_turn); the cursors move to the heads and
-- keep where the newest 32 passes got. A school that
-- chooses courses (COURSE_RANGE 11, or a VOID 14 that may undo one) puts its people there, too, those as well who have gone to another district.
-- Takes the district and how many streams at most. Returns how many streams, how many subjects were put on todo, and how many have new facts
-- (what the assessor itself has written moves heads, too). Needs district_take. Locks the cursors.
drop function if exists lx.streams_advance(int4, int4);
create or replace function lx.streams_advance(p_district int4, p_limit int4) returns table (streams int4, subjects int4, concerned int4)
language plpgsql
set work_mem = '256MB' -- a long list (a city that is scored anew) is hashed all the same: with 4 MB it is walked for each new fact
as $$
#variable_conflict use_column
declare
  v_pass int8;
begin
  update lx.district_state d set pass = d.pass + 1 where d.district = p_district returning d.pass into v_pass;
  return query
    with behind as materialized (
      select h.stream, c.seq, h.head
      from lx.head h
      cross join lateral (select coalesce(max(c.seq), 0) as seq from lx.stream_cursor c where c.district = h.district and c.stream = h.stream offset 0) c
      where h.district = p_district and h.head > c.seq
      limit p_limit
    ),
    fresh as materialized ( -- a stream's subjects one after the other, so that a round has whole streams: it locks few heads, and their units come once
      select f.subject, f.chooses, f.crowd
      from behind b
      cross join lateral (
        -- A stream at a time, and in it only what is new, whatever the planner knows: asked for in the order of its subjects, the whole stream was read.
        select f.subject, bool_or(f.chooses) as chooses, count(*) over () as crowd
        from (
          select f.subject, f.kind in (11, 14) as chooses
          from lx.fact f where f.district = p_district and f.stream = b.stream and f.seq > b.seq and f.seq <= b.head
          order by f.seq offset 0
        ) f
        group by f.subject offset 0
      ) f
    ),
    found as (
      select p_district as district, f.subject, coalesce(u.level, 5) as level, f.crowd
      from fresh f
      left join lateral (select u.level from lx.unit u where u.id = f.subject offset 0) u on true
      -- Who waits in this district will be read with the new facts, too; nobody else takes from it. Hashed once: which index a look-up of each would
      -- take is a toss-up when it is planned over an empty list.
      where f.subject not in (select t.subject from lx.todo t where t.district = p_district and t.lane = 1)
      union all
      (select distinct m.district, m.person, 5, null::int8 -- may wait already; in another district an assessor may be reading now
       from fresh f
       join lx.unit s on s.id = f.subject and s.level = 3
       join lx.unit w on w.path @> array[s.id]
       join lx.district_state d on true
       join lx.membership m on m.district = d.district and m.unit = w.id and m.role = 1 and not m.guest
       where f.chooses)
    ),
    put as (
      insert into lx.todo (district, subject, level, lane, since, pass)
      select f.district, f.subject, f.level, 1, lx.todo_turn(f.crowd), case when f.district = p_district then coalesce(v_pass, 0) else 0 end from found f
      returning 1
    ),
    moved as (
      insert into lx.stream_cursor as c (district, stream, seq, seqs, passes)
      select p_district, b.stream, b.head, array[b.head], array[coalesce(v_pass, 0)] from behind b
      on conflict (district, stream) do update
      set seq = excluded.seq, seqs = (c.seqs || excluded.seqs)[greatest(1, cardinality(c.seqs) - 30):],
          passes = (c.passes || excluded.passes)[greatest(1, cardinality(c.passes) - 30):]
      returning 1
    )
    select (select count(*) from moved)::int4, (select count(*) from put)::int4, (select count(*) from fresh)::int4;
end
$$;
revoke all on function lx.streams_advance from public;
grant execute on function lx.streams_advance to lianxiao_assessor;
