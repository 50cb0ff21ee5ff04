-- Operator: a school goes into another one of its district (or a workshop into another): its workshops move there, its people's open memberships end and go on
-- there from the same moment, offices end, and it is closed: dated, readable, with what is about itself. Whoever held grants on it keeps them.
-- Takes operator, an id for the merge, the codes of the unit and of the one that it goes into. Returns a verdict (sql/README.md).
-- Locks the units (advisory), the city's head, then the heads of both units, their workshops and the people's streams, ascending.
create or replace function lx.unit_merge(p_operator text, p_merge uuid, p_unit_code text, p_into_code text) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_unit lx.unit;
  v_into lx.unit;
  v_streams uuid[];
  v_changes bytea := '';
  r record;
begin
  perform pg_advisory_xact_lock(hashtextextended('lx.unit_import', 0));
  select u.* into v_unit from lx.unit u where u.code = p_unit_code;
  select u.* into v_into from lx.unit u where u.code = p_into_code;
  verdict := case
    when v_unit.id is null then 3
    when v_into.id is null or v_unit.level not in (3, 4) or v_into.level <> v_unit.level or v_into.district <> v_unit.district or v_into.id = v_unit.id
         or v_into.closed_at is not null then 4
    when v_unit.moving_to is not null or v_into.moving_to is not null or lx.unit_travels(v_unit.id) then 5
    when v_unit.closed_at is not null then 6
    else 1
  end;
  if verdict <> 1 then
    return next;
    return;
  end if;
  v_streams := lx.unit_merge_streams(v_unit, v_into);
  perform 1 from lx.head h where h.district = 0 and h.stream = v_unit.path[1] for no key update;
  perform 1 from lx.head h where h.district = v_unit.district and h.stream = any(v_streams) order by h.district, h.stream for no key update;
  if not lx.unit_merge_streams(v_unit, v_into) <@ v_streams then
    raise exception 'unit_merge: somebody joined meanwhile' using errcode = 'serialization_failure';
  end if;
  for r in select u as workshop from lx.unit u where u.parent = v_unit.id order by u.id loop
    perform lx.unit_move_within(p_operator, r.workshop, v_into);
  end loop;
  for r in select distinct m.person from lx.membership m
           where m.district = v_unit.district and m.unit = v_unit.id and (m.until_at is null or m.until_at > now()) order by m.person loop
    v_changes := v_changes || lx.unit_merge_person(v_unit, v_into, r.person);
  end loop;
  perform lx.operator_run(v_unit.district, v_unit.id, 'unit_merge ' || p_merge, v_changes);
  perform lx.unit_shut(v_unit);
  perform lx.audit_add(null, p_operator, null, 'unit_merge', v_unit.id, v_unit.code, jsonb_build_object('into', v_into.code));
  return next;
end
$$;
alter function lx.unit_merge owner to lianxiao_carrier;
revoke all on function lx.unit_merge from public;
grant execute on function lx.unit_merge to lianxiao_ops;
