-- Operator: disables an account; ends the person's sessions.
-- Takes operator and account. Returns verdict 1 done, 2 unknown account. Locks the account's and its sessions' rows.
create or replace function lx.ops_user_disable(p_operator text, p_account text) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_person uuid;
begin
  update lx.account a set disabled_at = coalesce(a.disabled_at, now()) where a.account = p_account returning a.person into v_person;
  if v_person is null then
    return query select 2;
    return;
  end if;
  update lx.session s set closed_at = now() where s.person = v_person and s.closed_at is null;
  perform lx.audit_add(null, p_operator, null, 'user_disable', null, v_person::text, null);
  return query select 1;
end
$$;
alter function lx.ops_user_disable owner to lianxiao_auth;
revoke all on function lx.ops_user_disable from public;
grant execute on function lx.ops_user_disable to lianxiao_ops;
