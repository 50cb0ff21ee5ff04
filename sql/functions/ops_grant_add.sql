-- Operator: gives a role.
-- Takes operator, account, role, unit code, dates and id. Returns verdict (2: unknown account or unit) and the grant's id. Locks nothing.
create or replace function lx.ops_grant_add(
  p_operator text, p_account text, p_role int4, p_unit_code text, p_from_at timestamptz, p_until_at timestamptz, p_grant uuid
) returns table (verdict int4, grant_id uuid)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_unit uuid;
  v_person uuid;
begin
  select u.id into v_unit from lx.unit u where u.code = p_unit_code;
  select a.person into v_person from lx.account a where a.account = p_account;
  if v_unit is null or v_person is null then
    return query select 2, null::uuid;
  elsif not lx.role_fits(p_role, v_unit) then
    return query select 4, null::uuid;
  else
    return query select 1, lx.grant_enter(null, p_operator, null, v_person, p_role, v_unit, p_from_at, p_until_at, p_grant);
  end if;
end
$$;
alter function lx.ops_grant_add owner to lianxiao_auth;
revoke all on function lx.ops_grant_add from public;
grant execute on function lx.ops_grant_add to lianxiao_ops;
