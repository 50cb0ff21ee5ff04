-- Writes one audit row in the caller's transaction.
-- Takes who (person, or operator's name), device, action, unit, what it was done to (id or code, never a name) and details. Returns nothing. Locks nothing.
create or replace function lx.audit_add(p_actor uuid, p_operator text, p_device bytea, p_action text, p_unit uuid, p_target text, p_detail jsonb) returns void
language plpgsql
as $$
begin
  insert into lx.audit (district, id, actor, operator, device, action, unit, target, detail)
  values (coalesce((select u.district from lx.unit u where u.id = p_unit), 0), lx.uuid7(), p_actor, p_operator, p_device, p_action, p_unit, p_target, p_detail);
end
$$;
revoke all on function lx.audit_add from public;
grant execute on function lx.audit_add to lianxiao_auth, lianxiao_writer, lianxiao_carrier;
