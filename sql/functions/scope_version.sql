-- The newest change of a person's grants, or of the units, that has taken effect, as UTC milliseconds: grows with every change, terms that begin or end included.
-- Takes the person. Returns int8. Locks nothing.
create or replace function lx.scope_version(p_person uuid) returns int8
language plpgsql stable
as $$
begin
  return lx.unix_ms(greatest(
    (select max(e.units_changed_at) from lx.epoch e),
    (select max(greatest(g.given_at, g.revoked_at, case when g.from_at <= now() then g.from_at end, case when g.until_at <= now() then g.until_at end))
     from lx.role_grant g where g.person = p_person)));
end
$$;
revoke all on function lx.scope_version from public;
grant execute on function lx.scope_version to lianxiao_auth;
