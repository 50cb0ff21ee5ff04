-- Whether the figures contain given positions of streams: the assessor has read that far, and nothing that it has read waits in those districts.
-- Takes streams and positions. Returns bool; true for none, false for unknown streams. Locks nothing.
create or replace function lx.figures_cover(p_stream uuid[], p_seq int8[]) returns bool
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return not exists (
    select
    from unnest(p_stream, p_seq) a (stream, seq)
    left join lx.unit u on u.id = a.stream
    left join lx.stream_cursor c on c.district = u.district and c.stream = u.id
    where c.seq is null or c.seq < a.seq
       or exists (select from lx.todo t where t.district = u.district and t.lane = 1 offset 0)); -- offset 0: one look, not a list of all who wait
end
$$;
alter function lx.figures_cover owner to lianxiao_writer;
revoke all on function lx.figures_cover from public;
grant execute on function lx.figures_cover to lianxiao_api;
