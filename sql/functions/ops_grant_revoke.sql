-- Operator: revokes a grant.
-- Takes operator, grant and for_cause. Returns verdict 1 done, 2 unknown or nothing to do. Locks the grant's row.
create or replace function lx.ops_grant_revoke(p_operator text, p_grant uuid, p_for_cause bool) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query select case when lx.grant_end(null, p_operator, null, p_grant, p_for_cause) then 1 else 2 end;
end
$$;
alter function lx.ops_grant_revoke owner to lianxiao_auth;
revoke all on function lx.ops_grant_revoke from public;
grant execute on function lx.ops_grant_revoke to lianxiao_ops;
