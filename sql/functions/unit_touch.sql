-- Gives a changed unit its next version and place in the city's stream.
-- Takes the unit. Returns nothing. Needs the city's head locked by the caller.
create or replace function lx.unit_touch(p_unit uuid) returns void
language plpgsql
as $$
begin
  update lx.unit u
  set version = u.version + 1, seq = lx.head_add(0, u.path[1], 0, lx.row_digest(u.id, u.version) # lx.row_digest(u.id, u.version + 1))
  where u.id = p_unit;
end
$$;
revoke all on function lx.unit_touch from public;
grant execute on function lx.unit_touch to lianxiao_carrier;
