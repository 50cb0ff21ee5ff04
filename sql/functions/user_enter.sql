-- Enters an account and its first grant, with audit rows.
-- Takes who does it (person, or operator), account name, person's name and id (null: one is made), hash, and role and unit of the first grant (role null: none).
-- Returns verdict 1 done, 3 account name or person has an account already, 4 role and unit do not fit; and the person. Locks nothing.
create or replace function lx.user_enter(
  p_by uuid, p_operator text, p_device bytea, p_account text, p_name text, p_person uuid, p_password_hash text, p_role int4, p_unit uuid, p_grant uuid
) returns table (verdict int4, person uuid)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_person constant uuid := coalesce(p_person, lx.uuid7());
begin
  if p_role is not null and not lx.role_fits(p_role, p_unit) then
    return query select 4, null::uuid;
    return;
  end if;
  insert into lx.account (person, account, name, password_hash) values (v_person, p_account, p_name, p_password_hash) on conflict do nothing;
  if not found then
    return query select 3, null::uuid;
    return;
  end if;
  perform lx.audit_add(p_by, p_operator, p_device, 'user_add', p_unit, v_person::text, null);
  if p_role is not null then
    perform lx.grant_enter(p_by, p_operator, p_device, v_person, p_role, p_unit, now(), null, p_grant);
  end if;
  return query select 1, v_person;
end
$$;
alter function lx.user_enter owner to lianxiao_auth;
revoke all on function lx.user_enter from public;
grant execute on function lx.user_enter to lianxiao_auth;
