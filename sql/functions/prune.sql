-- Removes tombstones (transfers that are over; subjects that left and are back in the same stream) from before a moment, and says so in the heads' floors.
-- A tombstone of somebody who lives in another stream, or is under way, stays: when one of the two has gone to another district, nothing else where the stream
-- lies tells that he is not new, and a home that was away for years may add him once more.
-- Takes the moment. Returns how many were removed. Locks the heads concerned in ascending order.
create or replace function lx.prune(p_before timestamptz) returns int8
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_rows int8;
begin
  perform 1 from lx.head h
  where (h.district, h.stream) in (select l.district, l.stream from lx.left_stream l join lx.person p on p.district = l.district and p.id = l.subject
                                   where l.left_at < p_before and p.stream = l.stream
                                   union select t.district, t.stream from lx.transit t where t.ended_at < p_before)
  order by h.district, h.stream for no key update;
  with moved as (
    delete from lx.left_stream l using lx.person p
    where l.left_at < p_before and p.district = l.district and p.id = l.subject and p.stream = l.stream
    returning l.district, l.stream, l.seq),
  ended as (
    delete from lx.transit t where t.ended_at < p_before returning t.district, t.stream, t.seq),
  gone as materialized (select * from moved union all select * from ended),
  noted as (
    update lx.head h set floor = greatest(h.floor, g.seq)
    from (select district, stream, max(seq) as seq from gone group by district, stream) g
    where h.district = g.district and h.stream = g.stream)
  select count(*) into v_rows from gone;
  return v_rows;
end
$$;
alter function lx.prune owner to lianxiao_carrier;
revoke all on function lx.prune from public;
grant execute on function lx.prune to lianxiao_assessor;
