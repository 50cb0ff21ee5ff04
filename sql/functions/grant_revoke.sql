-- Revokes a grant that the caller could give.
-- Takes caller, his device, the grant and for_cause. Returns verdict 1 done (again: still done), 2 forbidden or unknown. Locks the grant's row.
create or replace function lx.grant_revoke(p_by uuid, p_device bytea, p_grant uuid, p_for_cause bool) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_grant lx.role_grant;
begin
  select g.* into v_grant from lx.role_grant g where g.id = p_grant;
  if v_grant.id is null or not lx.may_grant(p_by, v_grant.role, v_grant.unit) then
    return query select 2;
    return;
  end if;
  perform lx.grant_end(p_by, null, p_device, p_grant, p_for_cause);
  return query select 1;
end
$$;
alter function lx.grant_revoke owner to lianxiao_auth;
revoke all on function lx.grant_revoke from public;
grant execute on function lx.grant_revoke to lianxiao_api;
