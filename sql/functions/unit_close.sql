-- Operator: closes a school or workshop that nobody belongs to any more.
-- Takes operator and the unit's code. Returns a verdict (sql/README.md). Locks the units (advisory), the heads of the city and of the unit.
create or replace function lx.unit_close(p_operator text, p_unit_code text) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_unit lx.unit;
begin
  perform pg_advisory_xact_lock(hashtextextended('lx.unit_import', 0));
  select u.* into v_unit from lx.unit u where u.code = p_unit_code;
  perform 1 from lx.head h where (h.district = 0 and h.stream = v_unit.path[1]) or (h.district = v_unit.district and h.stream = v_unit.id)
  order by h.district, h.stream for no key update;
  verdict := case
    when v_unit.id is null then 3
    when v_unit.level not in (3, 4) then 4
    when v_unit.moving_to is not null or lx.unit_travels(v_unit.id) then 5
    when v_unit.closed_at is not null then 6
    when exists (select from lx.unit u where u.parent = v_unit.id and u.closed_at is null)
         or exists (select from lx.membership m where m.district = v_unit.district and m.unit = v_unit.id and (m.until_at is null or m.until_at > now())) then 7
    else 1
  end;
  if verdict = 1 then
    perform lx.unit_shut(v_unit);
    perform lx.audit_add(null, p_operator, null, 'unit_close', v_unit.id, v_unit.code, null);
  end if;
  return next;
end
$$;
alter function lx.unit_close owner to lianxiao_carrier;
revoke all on function lx.unit_close from public;
grant execute on function lx.unit_close to lianxiao_ops;
