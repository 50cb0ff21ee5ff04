-- Ends an attempt that login_lookup began: a success clears the failures of this device on this account; a failure is audited.
-- Takes account name, device and outcome. Returns the failures counted now. Locks the row (account, device); drops rows without a success older than a day.
create or replace function lx.login_result(p_account text, p_device bytea, p_ok bool) returns table (failures int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_account lx.account;
begin
  select a.* into v_account from lx.account a where a.account = p_account;
  if p_ok then
    update lx.login_failure f set failures = 0, success_at = clock_timestamp() where f.account = p_account and f.device = p_device;
  end if;
  delete from lx.login_failure f where f.success_at is null and f.last_at < now() - interval '1 day';
  perform lx.audit_add(v_account.person, null, p_device, case when p_ok then 'login' else 'login_failed' end, null, v_account.person::text, null);
  return query select coalesce((select f.failures from lx.login_failure f where f.account = p_account and f.device = p_device), 0);
end
$$;
alter function lx.login_result owner to lianxiao_auth;
revoke all on function lx.login_result from public;
grant execute on function lx.login_result to lianxiao_api;
