-- Operator: puts a school under another district, or a workshop under another school, with everybody and everything in it. Inside a district that is done at
-- once. Into another it is the first of three steps: the unit's rows leave their district as a package; unit_move_in brings them into the other, unit_move_end
-- ends it here. Each step changes one district (and the city's units) and may be repeated, also this one, which then says which move is under way.
-- Takes operator, an id for the move, the codes of the unit and of its new parent. Returns a verdict (sql/README.md) and the move.
-- Locks the units (advisory), the city's head, then the heads of the unit's streams and of those whose people part with it, ascending.
create or replace function lx.unit_move(p_operator text, p_move uuid, p_unit_code text, p_to_code text) returns table (verdict int4, move uuid)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_unit lx.unit;
  v_to lx.unit;
  v_open lx.unit_move;
begin
  perform pg_advisory_xact_lock(hashtextextended('lx.unit_import', 0));
  select u.* into v_unit from lx.unit u where u.code = p_unit_code;
  select u.* into v_to from lx.unit u where u.code = p_to_code;
  select m.* into v_open from lx.unit_move m where m.unit = v_unit.id and m.ended_at is null;
  if v_open.taken_by is not null then
    perform lx.unit_move_end(v_open.id);
    v_open := null;
  end if;
  move := v_open.id;
  verdict := case
    when v_unit.id is null then 3
    when v_to.id is null or v_to.closed_at is not null or v_unit.level not in (3, 4) or v_to.level <> v_unit.level - 1 then 4
    when v_open.id is not null then case when v_open.to_parent = v_to.id then 2 else 5 end
    when v_unit.moving_to is not null or v_to.moving_to is not null or lx.unit_travels(v_unit.id) then 5
    when v_unit.parent = v_to.id then 6
    else 0
  end;
  if verdict <> 0 then
    return next;
    return;
  end if;
  perform 1 from lx.head h where h.district = 0 and h.stream = v_unit.path[1] for no key update;
  if v_unit.district = v_to.district then
    perform lx.unit_move_within(p_operator, v_unit, v_to);
    verdict := 1;
  else
    perform lx.unit_move_out(p_operator, p_move, v_unit, v_to);
    verdict := 2;
    move := p_move;
  end if;
  return next;
end
$$;
alter function lx.unit_move owner to lianxiao_carrier;
revoke all on function lx.unit_move from public;
grant execute on function lx.unit_move to lianxiao_ops;
