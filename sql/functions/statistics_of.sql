-- The unit whose figures are asked for, and how true they are: what all statements of statistics begin with.
-- Takes the unit and positions that the figures shall contain (streams and seqs). Returns no row when the unit is unknown, not in scope, or the person
-- (lianxiao.person) may not see statistics there; else one: unit, watermark, scheme version, subjects left to rescore, day, and whether the positions are in.
-- Locks nothing; runs with the caller's rights, so under row level security. The city is visible to whoever sees all its districts.
create or replace function lx.statistics_of(p_unit uuid, p_streams uuid[], p_seqs int8[])
returns table (id uuid, level int4, district int4, complete_through timestamptz, scheme_version int4, to_rescore int8, day date, covers bool)
language sql stable
as $$
  select u.id, u.level, u.district, m.complete_through, m.scheme_version, m.to_rescore, m.day,
         not exists (
           select from unnest(p_streams, p_seqs) w (stream, seq)
           where not exists (select from lx.unit x join lx.head h on h.district = x.district and h.stream = x.id where x.id = w.stream))
         and lx.figures_cover(p_streams, p_seqs)
  from lx.unit u
  join lx.head h on h.district = u.district and h.stream = u.id
  cross join lateral (
    select case when bool_and(s.complete_through is not null) then min(s.complete_through) end as complete_through,
           min(s.scheme_version) as scheme_version, sum(s.to_rescore)::int8 as to_rescore, min(s.day) as day
    from lx.district_state s
    where s.district = u.district or (u.level = 1 and s.district > 0)
  ) m
  where u.id = p_unit
    and lx.may_here(u.id, 1 << 12)
    and (u.level > 1 or not exists (
      select from lx.unit d
      where d.level = 2 and not exists (select from lx.head v where v.district = d.district and v.stream = d.id)))
$$;
revoke all on function lx.statistics_of from public;
grant execute on function lx.statistics_of to lianxiao_api;
