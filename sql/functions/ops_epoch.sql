-- Operator: the epoch, and where the chain of security events stands.
-- Takes nothing. Returns one row. Locks nothing.
create or replace function lx.ops_epoch() returns table (db_epoch bytea, started_at timestamptz, is_open bool, security_no int8, security_hash bytea)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query select e.db_epoch, e.started_at, e.opened_at is not null, h.no, h.hash from lx.epoch e, lx.security_head h;
end
$$;
alter function lx.ops_epoch owner to lianxiao_auth;
revoke all on function lx.ops_epoch from public;
grant execute on function lx.ops_epoch to lianxiao_ops;
