-- What asked_of says of a unit, also of the city, and whether its figures contain some positions: what statements with many lines begin with.
-- Takes the unit and positions that the figures shall contain (streams and seqs). Returns all nulls when asked_of has no row.
-- Locks nothing; runs with the caller's rights, so under row level security, and in his snapshot. The city is visible to whoever sees all its districts.
drop function if exists lx.statistics_of(uuid, uuid[], int8[]); -- it was a set
create function lx.statistics_of(
  p_unit uuid, p_streams uuid[], p_seqs int8[],
  out id uuid, out level int4, out district int4, out complete_through timestamptz, out scheme_version int4, out to_rescore int8, out day date, out covers bool
)
language plpgsql stable
as $$
#variable_conflict use_column
begin
  select a.id, a.level, a.district, a.complete_through, a.scheme_version, a.to_rescore, a.day
  into id, level, district, complete_through, scheme_version, to_rescore, day
  from lx.asked_of(p_unit) a;
  if not found then
    return;
  end if;
  if statistics_of.level = 1 then
    if exists (select from lx.unit d where d.parent = p_unit and not exists (select from lx.head v where v.district = d.district and v.stream = d.id)) then
      id := null;
      return;
    end if;
    select case when bool_and(s.complete_through is not null) then min(s.complete_through) end, min(s.scheme_version), sum(s.to_rescore), min(s.day)
    into complete_through, scheme_version, to_rescore, day
    from lx.district_state s where s.district > 0;
  end if;
  covers := lx.covers_here(p_streams, p_seqs);
end
$$;
revoke all on function lx.statistics_of from public;
grant execute on function lx.statistics_of to lianxiao_api;
