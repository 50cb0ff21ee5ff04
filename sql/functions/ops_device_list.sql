-- Operator: all devices, by unit. Labels are typed by people and may hold names: not shown.
-- Takes nothing. Returns one row per device. Locks nothing.
create or replace function lx.ops_device_list()
returns table (device bytea, unit_code text, enrolled_at timestamptz, certificate_until timestamptz, revoked_at timestamptz, frozen_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select d.device, u.code, d.enrolled_at, d.certificate_until, d.revoked_at, d.frozen_at
  from lx.device d join lx.unit u on u.id = d.unit order by u.code, d.enrolled_at;
end
$$;
alter function lx.ops_device_list owner to lianxiao_auth;
revoke all on function lx.ops_device_list from public;
grant execute on function lx.ops_device_list to lianxiao_ops;
