-- The grants of a person over a unit's stream, past ones too.
-- Takes person and stream. Returns what grants_along says, which is the rule.
-- Locks nothing. Plain SQL without settings, so that the planner inlines it into push.
create or replace function lx.grants_over(p_person uuid, p_stream uuid)
returns table (mask int4, level int4, from_at timestamptz, ended_at timestamptz, for_cause bool)
language sql stable
as $$
  select g.mask, g.level, g.from_at, g.ended_at, g.for_cause
  from lx.unit u
  cross join lateral lx.grants_along(p_person, u.path, u.former, u.former_until) g
  where u.id = p_stream
$$;
revoke all on function lx.grants_over from public;
grant execute on function lx.grants_over to lianxiao_writer, lianxiao_auth, lianxiao_carrier;
