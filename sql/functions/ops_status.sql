-- Operator: the state of the database in numbers.
-- Takes nothing. Returns (name, value). Locks nothing.
create or replace function lx.ops_status() returns table (name text, value int8)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select 'units', count(*) from lx.unit
  union all select 'programmes', count(*) from lx.programme
  union all select 'accounts', count(*) from lx.account where disabled_at is null
  union all select 'accounts_disabled', count(*) from lx.account where disabled_at is not null
  union all select 'sessions', count(*) from lx.session where closed_at is null and idle_until > now() and until_at > now()
  union all select 'devices', count(*) from lx.device where revoked_at is null and frozen_at is null
  union all select 'devices_revoked', count(*) from lx.device where revoked_at is not null
  union all select 'devices_frozen', count(*) from lx.device where frozen_at is not null and revoked_at is null
  union all select 'grants', count(*) from lx.role_grant where revoked_at is null and from_at <= now() and (until_at is null or until_at > now())
  union all select 'closed_since_restore', count(*) from lx.epoch where opened_at is null
  union all select 'security_events', no from lx.security_head
  union all select * from lx.ops_counts_ledger()
$$;
alter function lx.ops_status owner to lianxiao_auth;
revoke all on function lx.ops_status from public;
grant execute on function lx.ops_status to lianxiao_ops;
