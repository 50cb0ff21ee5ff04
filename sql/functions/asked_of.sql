-- The unit whose figures are asked for, and how true they are: what every statement of statistics begins with.
-- Takes the unit. Returns no row when it is unknown, not in scope, or the person (lianxiao.person) may not see statistics there; else one: unit, watermark, scheme
-- version, subjects left to rescore, day. For the city the watermark is still to be gathered (statistics_of).
-- Locks nothing; runs with the caller's rights, so under row level security, and in his snapshot. In language sql, so it becomes a part of the statement that asks.
create or replace function lx.asked_of(p_unit uuid)
returns table (id uuid, level int4, district int4, code text, name text, complete_through timestamptz, scheme_version int4, to_rescore int8, day date)
language sql stable rows 1
as $$
  select u.id, u.level, u.district, u.code, u.name, s.complete_through, s.scheme_version, s.to_rescore, s.day
  from lx.unit u
  join lx.head h on h.district = u.district and h.stream = u.id
  left join lx.district_state s on s.district = u.district
  where u.id = p_unit and lx.may_here(u.path, u.former, u.former_until, 1 << 12)
$$;
revoke all on function lx.asked_of from public;
grant execute on function lx.asked_of to lianxiao_api;
