-- Which role on which unit a grant is, so that the server can judge a revocation before it asks for it.
-- Takes the grant. Returns no row when there is none. Locks nothing.
create or replace function lx.grant_find(p_grant uuid) returns table (role int4, unit uuid)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query select g.role, g.unit from lx.role_grant g where g.id = p_grant;
end
$$;
alter function lx.grant_find owner to lianxiao_auth;
revoke all on function lx.grant_find from public;
grant execute on function lx.grant_find to lianxiao_api;
