-- Is a part of this unit under way to another district, or something on its way into it? Then it can neither move nor end: what arrives goes where the parent is.
-- Takes the unit. Returns yes or no. Locks nothing; whoever asks holds the units' lock (advisory).
create or replace function lx.unit_travels(p_unit uuid) returns bool
language plpgsql stable
as $$
begin
  return exists (
    select from lx.unit_move m
    join lx.unit u on u.id = m.unit
    join lx.unit t on t.id = m.to_parent
    where m.ended_at is null and (u.path @> array[p_unit] or (m.taken_by is null and t.path @> array[p_unit])));
end
$$;
revoke all on function lx.unit_travels from public;
grant execute on function lx.unit_travels to lianxiao_carrier;
