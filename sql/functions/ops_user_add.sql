-- Operator: adds an account with its first grant.
-- Takes operator and the account, see user_enter. Returns verdict (2: unknown unit) and person. Locks nothing.
create or replace function lx.ops_user_add(
  p_operator text, p_account text, p_name text, p_person uuid, p_password_hash text, p_role int4, p_unit_code text, p_grant uuid
) returns table (verdict int4, person uuid)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_unit uuid;
begin
  select u.id into v_unit from lx.unit u where u.code = p_unit_code;
  if v_unit is null and p_role is not null then
    return query select 2, null::uuid;
  else
    return query select * from lx.user_enter(null, p_operator, null, p_account, p_name, p_person, p_password_hash, p_role, v_unit, p_grant);
  end if;
end
$$;
alter function lx.ops_user_add owner to lianxiao_auth;
revoke all on function lx.ops_user_add from public;
grant execute on function lx.ops_user_add to lianxiao_ops;
