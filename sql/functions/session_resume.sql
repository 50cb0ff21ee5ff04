-- Resumes a session on another connection of the same device, and moves its idle limit on.
-- Takes the token's SHA-256 and the device. Returns the login; no row: not valid (unknown, closed, too old, other device, disabled, revoked).
-- Locks the session's row.
create or replace function lx.session_resume(p_token_hash bytea, p_device bytea)
returns table (person uuid, account text, name text, must_change bool, scope_version int8, idle_until timestamptz, until_at timestamptz)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  update lx.session s set idle_until = least(now() + s.idle, s.until_at)
  from lx.account a, lx.device d
  where s.token_hash = p_token_hash and s.device = p_device and s.closed_at is null and s.idle_until > now() and s.until_at > now()
    and a.person = s.person and a.disabled_at is null and d.device = s.device and d.revoked_at is null and d.frozen_at is null
  returning a.person, a.account, a.name, a.must_change, lx.scope_version(a.person), s.idle_until, s.until_at;
end
$$;
alter function lx.session_resume owner to lianxiao_auth;
revoke all on function lx.session_resume from public;
grant execute on function lx.session_resume to lianxiao_api;
