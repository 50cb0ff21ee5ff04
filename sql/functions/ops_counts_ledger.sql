-- The ledger's part of ops_status: numbers only.
-- Takes nothing. Returns (name, value). Locks nothing.
create or replace function lx.ops_counts_ledger() returns table (name text, value int8)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select 'streams', count(*) from lx.head
  union all select 'live_rows', coalesce(sum(live), 0)::int8 from lx.head
  union all select 'todo_live', count(*) from lx.todo where lane = 1
  union all select 'todo_rescore', count(*) from lx.todo where lane = 2
$$;
alter function lx.ops_counts_ledger owner to lianxiao_writer;
revoke all on function lx.ops_counts_ledger from public;
grant execute on function lx.ops_counts_ledger to lianxiao_auth;
