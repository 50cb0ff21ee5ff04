-- Do the figures contain these positions? For the person of the setting lianxiao.person: what he does not see, nobody tells him of.
-- Takes streams and seqs. Returns bool: false when a stream is unknown or not in scope. Locks nothing; runs with the caller's rights and in his snapshot.
create or replace function lx.covers_here(p_streams uuid[], p_seqs int8[]) returns bool
language plpgsql stable
as $$
begin
  if coalesce(cardinality(p_streams), 0) = 0 then
    return true;
  end if;
  return not exists (
      select from unnest(p_streams) w (stream)
      where not exists (select from lx.unit x join lx.head h on h.district = x.district and h.stream = x.id where x.id = w.stream))
    and lx.figures_cover(p_streams, p_seqs);
end
$$;
revoke all on function lx.covers_here from public;
grant execute on function lx.covers_here to lianxiao_api;
