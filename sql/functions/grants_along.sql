-- The grants of a person that reach a unit which lies there, past ones too: the one place that says how far a grant reaches.
-- Takes person and the unit's columns path, former and former_until. Returns mask, level of the role, from, end (term, revocation, or the day when the unit was
-- moved away, the earliest) and whether it was revoked for cause.
-- Locks nothing. Plain SQL without settings, so that the planner inlines it into whoever has read the unit.
create or replace function lx.grants_along(p_person uuid, p_path uuid[], p_former uuid[], p_former_until timestamptz[])
returns table (mask int4, level int4, from_at timestamptz, ended_at timestamptz, for_cause bool)
language sql stable
as $$
  select c.mask, c.level, g.from_at, least(g.until_at, g.revoked_at, case when g.unit <> all(p_path) then p_former_until[array_position(p_former, g.unit)] end),
         g.for_cause
  from lx.role_grant g
  join lx.role_capability c on c.role = g.role
  where g.person = p_person and (g.unit = any(p_path) or g.unit = any(p_former))
$$;
revoke all on function lx.grants_along from public;
grant execute on function lx.grants_along to lianxiao_writer, lianxiao_auth, lianxiao_carrier;
