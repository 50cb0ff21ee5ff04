-- The grants of a person over a unit's stream, past ones too: the one place that says how far a grant reaches.
-- Takes person and stream. Returns mask, level of the role, from, end (term, revocation, or the day when the unit was moved away, the earliest) and whether it
-- was revoked for cause.
-- Locks nothing. Plain SQL without settings, so that the planner inlines it into push.
create or replace function lx.grants_over(p_person uuid, p_stream uuid)
returns table (mask int4, level int4, from_at timestamptz, ended_at timestamptz, for_cause bool)
language sql stable
as $$
  select c.mask, c.level, g.from_at, least(g.until_at, g.revoked_at, case when g.unit <> all(u.path) then u.former_until[array_position(u.former, g.unit)] end),
         g.for_cause
  from lx.unit u
  join lx.role_grant g on g.person = p_person and (g.unit = any(u.path) or g.unit = any(u.former))
  join lx.role_capability c on c.role = g.role
  where u.id = p_stream
$$;
revoke all on function lx.grants_over from public;
grant execute on function lx.grants_over to lianxiao_writer, lianxiao_auth, lianxiao_carrier;
