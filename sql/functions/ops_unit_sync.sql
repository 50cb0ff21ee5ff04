-- Operator: how far every unit's stream is, and when somebody last pushed to it.
-- Takes nothing. Returns one row per unit. Locks nothing.
create or replace function lx.ops_unit_sync()
returns table (unit_code text, level int4, head int8, live int8, pushed_at timestamptz, devices int8)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select u.code, u.level, h.head, h.live, h.pushed_at,
         (select count(*) from lx.device d where d.unit = u.id and d.revoked_at is null)
  from lx.unit u join lx.head h on h.district = u.district and h.stream = u.id
  order by u.path, u.code
$$;
alter function lx.ops_unit_sync owner to lianxiao_writer;
revoke all on function lx.ops_unit_sync from public;
grant execute on function lx.ops_unit_sync to lianxiao_ops;
