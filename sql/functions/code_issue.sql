-- Issues a one-time enrolment code for a unit in the caller's scope (capability manage_devices).
-- Takes caller, his device, unit code, lookup, hash and hours. Returns verdict and the code's end. Locks nothing.
create or replace function lx.code_issue(p_by uuid, p_device bytea, p_unit_code text, p_lookup text, p_hash bytea, p_hours int4)
returns table (verdict int4, until_at timestamptz)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_unit uuid;
begin
  select u.id into v_unit from lx.unit u where u.code = p_unit_code;
  if v_unit is null or lx.mask_over(p_by, v_unit) & 512 = 0 then
    return query select 2, null::timestamptz;
  else
    return query select * from lx.code_enter(p_by, null, p_device, v_unit, p_lookup, p_hash, p_hours);
  end if;
end
$$;
alter function lx.code_issue owner to lianxiao_auth;
revoke all on function lx.code_issue from public;
grant execute on function lx.code_issue to lianxiao_api;
