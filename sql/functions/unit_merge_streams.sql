-- The streams that a merge changes: both units', the workshops', and those of people with an open membership in the unit.
-- Takes the units. Returns streams. Locks nothing.
create or replace function lx.unit_merge_streams(p_unit lx.unit, p_into lx.unit) returns uuid[]
language plpgsql stable
as $$
begin
  return array(
    select (p_into).id
    union
    select u.id from lx.unit u where u.path @> array[(p_unit).id]
    union
    select m.stream from lx.membership m where m.district = (p_unit).district and m.unit = (p_unit).id and (m.until_at is null or m.until_at > now()));
end
$$;
revoke all on function lx.unit_merge_streams from public;
grant execute on function lx.unit_merge_streams to lianxiao_carrier;
