-- Closes a session (logout).
-- Takes the token's SHA-256. Returns whether it was open. Locks the session's row.
create or replace function lx.session_close(p_token_hash bytea) returns table (closed bool)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_session lx.session;
begin
  update lx.session s set closed_at = now() where s.token_hash = p_token_hash and s.closed_at is null returning s.* into v_session;
  if found then
    perform lx.audit_add(v_session.person, null, v_session.device, 'logout', null, v_session.person::text, null);
  end if;
  return query select v_session.person is not null;
end
$$;
alter function lx.session_close owner to lianxiao_auth;
revoke all on function lx.session_close from public;
grant execute on function lx.session_close to lianxiao_api;
