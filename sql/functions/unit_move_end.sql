-- Operator: the last step of a move to another district: the sending district throws the package away.
-- Takes the move. Returns 1 ended (or ended before), 2 it has not arrived yet, 3 unknown. Locks the move.
create or replace function lx.unit_move_end(p_move uuid) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_move lx.unit_move;
begin
  select m.* into v_move from lx.unit_move m where m.id = p_move for update;
  verdict := case when v_move.id is null then 3 when v_move.taken_by is null then 2 else 1 end;
  if verdict = 1 and v_move.ended_at is null then
    delete from lx.unit_package k where k.district = v_move.district and k.move = p_move;
    update lx.unit_move m set ended_at = clock_timestamp() where m.district = v_move.district and m.id = p_move;
  end if;
  return next;
end
$$;
alter function lx.unit_move_end owner to lianxiao_carrier;
revoke all on function lx.unit_move_end from public;
grant execute on function lx.unit_move_end to lianxiao_ops;
