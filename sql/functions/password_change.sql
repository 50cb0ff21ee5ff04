-- Sets a new password and closes the person's other sessions. The caller has checked the old one.
-- Takes person, hash and the token hash of the session to keep. Returns whether it was done. Locks the account's and the sessions' rows.
create or replace function lx.password_change(p_person uuid, p_hash text, p_keep bytea) returns table (done bool)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update lx.account a set password_hash = p_hash, must_change = false where a.person = p_person and a.disabled_at is null;
  if not found then
    return query select false;
    return;
  end if;
  update lx.session s set closed_at = now() where s.person = p_person and s.closed_at is null and s.token_hash is distinct from p_keep;
  perform lx.audit_add(p_person, null, null, 'password_change', null, p_person::text, null);
  return query select true;
end
$$;
alter function lx.password_change owner to lianxiao_auth;
revoke all on function lx.password_change from public;
grant execute on function lx.password_change to lianxiao_api;
