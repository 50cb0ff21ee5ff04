-- Operator: the second step of a move to another district. The rows come into the new district, or back into the old one, and the units lie there from then on.
-- What decides is one row of the sending district, taken_by, written once; a call that repeats it does nothing. Between database cells that is a call of its
-- own before this one, like the reading of the package; all else here is rows of the district that takes the unit in, and the city's units.
-- Takes operator, move, and whether it comes back. Returns a verdict (sql/README.md) and, when records clash, which.
-- Locks the units (advisory), the move, the city's head, then the heads of the unit's streams in the district, ascending.
create or replace function lx.unit_move_in(p_operator text, p_move uuid, p_back bool) returns table (verdict int4, what text, id uuid)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_move lx.unit_move;
  v_unit lx.unit;
  v_to lx.unit;
  v_streams uuid[];
  v_stream uuid;
begin
  perform pg_advisory_xact_lock(hashtextextended('lx.unit_import', 0));
  select m.* into v_move from lx.unit_move m where m.id = p_move for update;
  select u.* into v_unit from lx.unit u where u.id = v_move.unit;
  select u.* into v_to from lx.unit u where u.id = case when p_back then v_move.from_parent else v_move.to_parent end;
  v_streams := array(select u.id from lx.unit u where u.path @> array[v_unit.id] order by u.id);
  select c.what, c.id into what, id from lx.unit_move_clash(v_move.district, p_move, v_to.district) c where v_move.taken_by is null;
  verdict := case
    when v_move.id is null then 3
    when v_move.taken_by = v_to.district then 1
    when v_move.taken_by is not null then 5
    when exists (select from lx.standing_gone g where g.district = v_move.district) then 2
    when what is not null then 4
    else 0
  end;
  if verdict <> 0 then
    return next;
    return;
  end if;
  perform 1 from lx.head h
  where (h.district = 0 and h.stream = v_unit.path[1]) or (h.district = v_to.district and h.stream = any(v_streams))
  order by h.district, h.stream for no key update;
  update lx.unit_move m set taken_by = v_to.district, taken_at = clock_timestamp() where m.district = v_move.district and m.id = p_move;
  perform lx.unit_put_under(v_unit, v_to);
  perform lx.unit_unpack(v_move.district, p_move, v_to.district, case v_unit.level when 4 then v_to.id end);
  foreach v_stream in array v_streams loop
    perform lx.operator_run(v_to.district, v_stream, 'unit_move in ' || p_move, lx.unit_move_changes(v_to.district, v_stream, true));
  end loop;
  perform lx.roster_changed(v_to.district, v_streams,
    array(select p.id from lx.person p where p.district = v_to.district and p.stream = any(v_streams)), v_streams);
  perform lx.audit_add(null, p_operator, null, case when p_back then 'unit_move_back' else 'unit_move_in' end, v_unit.id, v_unit.code,
                       jsonb_build_object('to', v_to.code, 'move', p_move));
  verdict := 1;
  return next;
end
$$;
alter function lx.unit_move_in owner to lianxiao_carrier;
revoke all on function lx.unit_move_in from public;
grant execute on function lx.unit_move_in to lianxiao_ops;
