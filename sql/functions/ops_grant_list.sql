-- Operator: the grants of an account, to find the one to revoke.
-- Takes the account's name. Returns grants, newest first. Locks nothing.
create or replace function lx.ops_grant_list(p_account text)
returns table (grant_id uuid, role int4, unit_code text, from_at timestamptz, until_at timestamptz, revoked_at timestamptz, for_cause bool)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select g.id, g.role, u.code, g.from_at, g.until_at, g.revoked_at, g.for_cause
  from lx.account a join lx.role_grant g on g.person = a.person join lx.unit u on u.id = g.unit
  where a.account = p_account order by g.from_at desc;
end
$$;
alter function lx.ops_grant_list owner to lianxiao_auth;
revoke all on function lx.ops_grant_list from public;
grant execute on function lx.ops_grant_list to lianxiao_ops;
