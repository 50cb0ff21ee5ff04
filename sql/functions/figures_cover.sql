-- Whether the figures contain given positions of streams: the assessor has read that far, and as of its newest round nobody waits in those districts for the pass that
-- read them, or one before. Positions that many passes ago were read are asked for by the oldest pass that is known.
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
    left join lx.district_state d on d.district = u.district
    where c.seq is null or c.seq < a.seq
       or d.waiting <= coalesce((select min(p.pass) from unnest(c.seqs, c.passes) p (seq, pass) where p.seq >= a.seq), 9223372036854775807));
end
$$;
alter function lx.figures_cover owner to lianxiao_writer;
revoke all on function lx.figures_cover from public;
grant execute on function lx.figures_cover to lianxiao_api;
