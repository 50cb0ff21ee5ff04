-- The first step of a move to another district: memberships that would lead across the border end, the rows leave the district as a package, the units say
-- where they are going. From now on the unit counts nowhere, visibly (unit.moving_to), until it has arrived.
-- Takes operator, move, the unit and the new parent. Returns nothing. Needs the city's head locked by the caller; locks the heads of the district concerned.
create or replace function lx.unit_move_out(p_operator text, p_move uuid, p_unit lx.unit, p_to lx.unit) returns void
language plpgsql
as $$
#variable_conflict use_column
declare
  v_district constant int4 := (p_unit).district;
  v_streams constant uuid[] := array(select u.id from lx.unit u where u.path @> array[(p_unit).id] order by u.id);
  v_concerned uuid[] := v_streams || lx.unit_part_streams(v_district, v_streams);
  v_at constant timestamptz := clock_timestamp();
  v_others bytea;
  v_stream uuid;
begin
  perform 1 from lx.head h where h.district = v_district and h.stream = any(v_concerned) order by h.district, h.stream for no key update;
  if not lx.unit_part_streams(v_district, v_streams) <@ v_concerned then
    raise exception 'unit_move: somebody joined meanwhile' using errcode = 'serialization_failure';
  end if;
  v_others := lx.unit_part(v_district, v_streams, v_at);
  foreach v_stream in array v_streams loop
    perform lx.operator_run(v_district, v_stream, 'unit_move out ' || p_move,
      lx.unit_move_changes(v_district, v_stream, false) || case v_stream when (p_unit).id then v_others else '' end);
  end loop;
  perform lx.unit_pack(v_district, p_move, v_streams);
  insert into lx.unit_move (district, id, unit, from_parent, to_parent, to_district, left_at)
  values (v_district, p_move, (p_unit).id, (p_unit).parent, (p_to).id, (p_to).district, v_at);
  update lx.unit u set moving_to = (p_to).id where u.id = any(v_streams);
  perform lx.unit_touch(s.id) from unnest(v_streams) s (id);
  insert into lx.todo (district, subject, level, lane)
  select u.district, u.id, u.level, 1 from lx.unit u where u.id = (p_unit).parent;
  perform lx.audit_add(null, p_operator, null, 'unit_move_out', (p_unit).id, (p_unit).code, jsonb_build_object('to', (p_to).code, 'move', p_move));
end
$$;
revoke all on function lx.unit_move_out from public;
grant execute on function lx.unit_move_out to lianxiao_carrier;
