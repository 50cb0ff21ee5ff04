-- Uses an enrolment code up and enters the device.
-- Takes lookup, hash, the device (SHA-256 of its public key), a label and the certificate's end. Returns 1 done, 2 code no longer valid, 3 the key is known already.
-- Locks the code's row.
create or replace function lx.enrol_finish(p_lookup text, p_hash bytea, p_device bytea, p_label text, p_certificate_until timestamptz) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_code lx.enrol_code;
begin
  select c.* into v_code from lx.enrol_code c
  where c.lookup = p_lookup and c.code_hash = p_hash and c.used_at is null and c.until_at > now() and c.tries < 5 for update;
  if not found then
    return query select 2;
    return;
  end if;
  insert into lx.device (device, unit, certificate_until, label) values (p_device, v_code.unit, p_certificate_until, coalesce(p_label, ''))
  on conflict (device) do nothing;
  if not found then
    return query select 3;
    return;
  end if;
  update lx.enrol_code c set used_at = now() where c.lookup = p_lookup;
  perform lx.audit_add(v_code.issued_by, null, p_device, 'enrol', v_code.unit, encode(p_device, 'hex'), null);
  return query select 1;
end
$$;
alter function lx.enrol_finish owner to lianxiao_auth;
revoke all on function lx.enrol_finish from public;
grant execute on function lx.enrol_finish to lianxiao_api;
