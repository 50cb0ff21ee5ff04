-- The unit whose figures are asked for, and how true they are: what all statements of statistics begin with.
-- Takes the unit and positions that the figures shall contain (streams and seqs). Returns all nulls when the unit is unknown, not in scope, or the person
-- (lianxiao.person) may not see statistics there; else the unit, watermark, scheme version, subjects left to rescore, day, and whether the positions are in.
-- Locks nothing; runs with the caller's rights, so under row level security, and in his snapshot. The city is visible to whoever sees all its districts.
-- Small statements, each only where it is needed: starting one that covers all cases costs more than all of these.
drop function if exists lx.statistics_of(uuid, uuid[], int8[]); -- it was a set
create function lx.statistics_of(
  p_unit uuid, p_streams uuid[], p_seqs int8[],
  out id uuid, out level int4, out district int4, out complete_through timestamptz, out scheme_version int4, out to_rescore int8, out day date, out covers bool
)
language plpgsql stable
as $$
#variable_conflict use_column
begin
  select u.id, u.level, u.district, s.complete_through, s.scheme_version, s.to_rescore, s.day
  into id, level, district, complete_through, scheme_version, to_rescore, day
  from lx.unit u
  join lx.head h on h.district = u.district and h.stream = u.id
  left join lx.district_state s on s.district = u.district
  where u.id = p_unit;
  if not found or not lx.may_here(p_unit, 1 << 12) then
    id := null;
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
  covers := true;
  if cardinality(p_streams) > 0 then
    covers := not exists (
        select from unnest(p_streams) w (stream)
        where not exists (select from lx.unit x join lx.head h on h.district = x.district and h.stream = x.id where x.id = w.stream))
      and lx.figures_cover(p_streams, p_seqs);
  end if;
end
$$;
revoke all on function lx.statistics_of from public;
grant execute on function lx.statistics_of to lianxiao_api;
