-- Where those people live whose memberships unit_part may end.
-- Takes district and the streams that leave. Returns streams. Locks nothing.
create or replace function lx.unit_part_streams(p_district int4, p_streams uuid[]) returns uuid[]
language plpgsql stable
as $$
begin
  return array(
    select m.stream from lx.membership m
    where m.district = p_district and m.unit = any(p_streams) and m.stream <> all(p_streams) and (m.until_at is null or m.until_at > now())
    union
    select m.unit from lx.membership m
    where m.district = p_district and m.stream = any(p_streams) and m.unit <> all(p_streams) and (m.until_at is null or m.until_at > now()));
end
$$;
revoke all on function lx.unit_part_streams from public;
grant execute on function lx.unit_part_streams to lianxiao_carrier;
