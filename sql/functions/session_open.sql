-- Opens a session.
-- Takes the token's SHA-256, person, device, idle and total limits in seconds. Returns the limits and the scope version; no row: account disabled or device not good.
-- Locks nothing.
create or replace function lx.session_open(p_token_hash bytea, p_person uuid, p_device bytea, p_idle_s int4, p_total_s int4)
returns table (idle_until timestamptz, until_at timestamptz, scope_version int8)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  insert into lx.session as s (token_hash, person, device, idle, idle_until, until_at)
  select p_token_hash, a.person, d.device, p_idle_s * interval '1 second', now() + least(p_idle_s, p_total_s) * interval '1 second',
         now() + p_total_s * interval '1 second'
  from lx.account a, lx.device d
  where a.person = p_person and a.disabled_at is null and d.device = p_device and d.revoked_at is null and d.frozen_at is null
  returning s.idle_until, s.until_at, lx.scope_version(s.person);
end
$$;
alter function lx.session_open owner to lianxiao_auth;
revoke all on function lx.session_open from public;
grant execute on function lx.session_open to lianxiao_api;
