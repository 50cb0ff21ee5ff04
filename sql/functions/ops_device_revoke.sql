-- Operator: revokes a device; its sessions end.
-- Takes operator and device. Returns verdict 1 done, 2 unknown. Locks the device's and its sessions' rows.
create or replace function lx.ops_device_revoke(p_operator text, p_device bytea) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_unit uuid;
begin
  update lx.device d set revoked_at = coalesce(d.revoked_at, now()) where d.device = p_device returning d.unit into v_unit;
  if v_unit is null then
    return query select 2;
    return;
  end if;
  update lx.session s set closed_at = now() where s.device = p_device and s.closed_at is null;
  perform lx.audit_add(null, p_operator, p_device, 'device_revoke', v_unit, encode(p_device, 'hex'), null);
  return query select 1;
end
$$;
alter function lx.ops_device_revoke owner to lianxiao_auth;
revoke all on function lx.ops_device_revoke from public;
grant execute on function lx.ops_device_revoke to lianxiao_ops;
