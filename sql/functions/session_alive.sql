-- Which of these sessions are still valid, for the check of every second: revoked, disabled and closed ones are absent.
-- Takes the tokens' SHA-256. Returns those valid, in the order of their hashes, with their scope version and whether the password must be changed first. Locks nothing; moves no idle limit (a quiet connection ages).
create or replace function lx.session_alive(p_token_hashes bytea[]) returns table (token_hash bytea, scope_version int8, must_change bool)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select s.token_hash, lx.unix_ms(greatest((select max(e.units_changed_at) from lx.epoch e), v.changed_at)), a.must_change
  from lx.session s
  join lx.account a on a.person = s.person
  join lx.device d on d.device = s.device
  cross join lateral (   -- lx.scope_version without a call per session: thousands are asked about at a time
    select max(greatest(g.given_at, g.revoked_at, case when g.from_at <= now() then g.from_at end, case when g.until_at <= now() then g.until_at end))
           as changed_at
    from lx.role_grant g where g.person = s.person) v
  where s.token_hash = any(p_token_hashes) and s.closed_at is null and s.until_at > now()
    and a.disabled_at is null and d.revoked_at is null and d.frozen_at is null
  order by s.token_hash; -- whatever the plan: a worker does what follows in this order
end
$$;
alter function lx.session_alive owner to lianxiao_auth;
revoke all on function lx.session_alive from public;
grant execute on function lx.session_alive to lianxiao_api;
