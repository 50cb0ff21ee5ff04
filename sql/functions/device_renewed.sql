-- Notes that a device's certificate was renewed.
-- Takes the device and the new end. Returns whether it was a good device. Locks the device's row.
create or replace function lx.device_renewed(p_device bytea, p_certificate_until timestamptz) returns table (done bool)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_unit uuid;
begin
  update lx.device d set certificate_until = p_certificate_until
  where d.device = p_device and d.revoked_at is null and d.frozen_at is null returning d.unit into v_unit;
  if v_unit is not null then
    perform lx.audit_add(null, null, p_device, 'renew', v_unit, encode(p_device, 'hex'), null);
  end if;
  return query select v_unit is not null;
end
$$;
alter function lx.device_renewed owner to lianxiao_auth;
revoke all on function lx.device_renewed from public;
grant execute on function lx.device_renewed to lianxiao_api;
