-- Adds an account for somebody in the caller's scope (capability manage_users over the unit; manage_grants and a role not above his own for the first grant).
-- Takes caller, his device and the account, see user_enter. Returns verdict and person. Locks nothing.
create or replace function lx.user_add(
  p_by uuid, p_device bytea, p_account text, p_name text, p_person uuid, p_password_hash text, p_role int4, p_unit_code text, p_grant uuid
) returns table (verdict int4, person uuid)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_unit uuid;
begin
  select u.id into v_unit from lx.unit u where u.code = p_unit_code;
  if v_unit is null or lx.mask_over(p_by, v_unit) & 1024 = 0 or (p_role is not null and not lx.may_grant(p_by, p_role, v_unit)) then
    return query select 2, null::uuid;
  else
    return query select * from lx.user_enter(p_by, null, p_device, p_account, p_name, p_person, p_password_hash, p_role, v_unit, p_grant);
  end if;
end
$$;
alter function lx.user_add owner to lianxiao_auth;
revoke all on function lx.user_add from public;
grant execute on function lx.user_add to lianxiao_api;
