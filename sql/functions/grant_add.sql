-- Gives somebody with an account a role in the caller's scope (capability manage_grants; a role not above his own; nobody gives to himself).
-- Takes caller, his device, account, role, unit code, dates and id. Returns verdict and the grant's id. Locks nothing.
create or replace function lx.grant_add(
  p_by uuid, p_device bytea, p_account text, p_role int4, p_unit_code text, p_from_at timestamptz, p_until_at timestamptz, p_grant uuid
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
  select a.person into v_person from lx.account a where a.account = p_account and a.disabled_at is null;
  if v_unit is null or v_person is null or v_person = p_by or not lx.may_grant(p_by, p_role, v_unit) then
    return query select 2, null::uuid;
  elsif not lx.role_fits(p_role, v_unit) then
    return query select 4, null::uuid;
  else
    return query select 1, lx.grant_enter(p_by, null, p_device, v_person, p_role, v_unit, p_from_at, p_until_at, p_grant);
  end if;
end
$$;
alter function lx.grant_add owner to lianxiao_auth;
revoke all on function lx.grant_add from public;
grant execute on function lx.grant_add to lianxiao_api;
