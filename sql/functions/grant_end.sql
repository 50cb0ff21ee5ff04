-- Ends a grant now, with its audit row. For cause: operations written before are refused, too, also when the grant had ended already.
-- Takes who does it (person, or operator), the grant and for_cause. Returns whether anything changed. Locks the grant's row.
create or replace function lx.grant_end(p_by uuid, p_operator text, p_device bytea, p_grant uuid, p_for_cause bool) returns bool
language plpgsql
as $$
declare
  v_unit uuid;
begin
  update lx.role_grant g
  set revoked_at = coalesce(g.revoked_at, clock_timestamp()), for_cause = g.for_cause or coalesce(p_for_cause, false)
  where g.id = p_grant and (g.revoked_at is null or (coalesce(p_for_cause, false) and not g.for_cause))
  returning g.unit into v_unit;
  if v_unit is null then
    return false;
  end if;
  perform lx.audit_add(p_by, p_operator, p_device, 'grant_revoke', v_unit, p_grant::text, jsonb_build_object('for_cause', coalesce(p_for_cause, false)));
  return true;
end
$$;
alter function lx.grant_end owner to lianxiao_auth;
revoke all on function lx.grant_end from public;
grant execute on function lx.grant_end to lianxiao_auth;
