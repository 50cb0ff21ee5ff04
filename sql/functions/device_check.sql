-- Is this device known and good?
-- Takes the device. Returns 1 good, 2 unknown, 3 revoked, 4 frozen (cloned), and its unit. Locks nothing.
create or replace function lx.device_check(p_device bytea) returns table (verdict int4, unit uuid)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select case when d.device is null then 2 when d.revoked_at is not null then 3 when d.frozen_at is not null then 4 else 1 end, d.unit
  from (values (1)) one (row) left join lx.device d on d.device = p_device;
end
$$;
alter function lx.device_check owner to lianxiao_auth;
revoke all on function lx.device_check from public;
grant execute on function lx.device_check to lianxiao_api;
