-- Operator: sets a password that must be changed at the next login; ends the person's sessions, forgets failed logins, lifts nothing else.
-- Takes operator, account and hash. Returns verdict 1 done, 2 unknown account. Locks the account's and its sessions' rows.
create or replace function lx.ops_user_reset(p_operator text, p_account text, p_password_hash text) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_person uuid;
begin
  update lx.account a set password_hash = p_password_hash, must_change = true where a.account = p_account returning a.person into v_person;
  if v_person is null then
    return query select 2;
    return;
  end if;
  update lx.session s set closed_at = now() where s.person = v_person and s.closed_at is null;
  update lx.login_failure f set failures = 0 where f.account = p_account;
  perform lx.audit_add(null, p_operator, null, 'user_reset', null, v_person::text, null);
  return query select 1;
end
$$;
alter function lx.ops_user_reset owner to lianxiao_auth;
revoke all on function lx.ops_user_reset from public;
grant execute on function lx.ops_user_reset to lianxiao_ops;
