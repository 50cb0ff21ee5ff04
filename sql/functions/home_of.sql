-- The stream that a person's rows belong to, if one membership were as given: unit of the newest home membership
-- of the district and not under way (not guest; highest programme, TEACHER before others, latest from), else where he is.
-- Takes district, person, his stream now and the membership that is about to be written. Returns the stream. Locks nothing.
create or replace function lx.home_of(
  p_district int4, p_person uuid, p_stream uuid, p_membership uuid, p_programme int4, p_unit uuid, p_role int4, p_from_at timestamptz, p_guest bool
) returns uuid
language plpgsql stable
as $$
begin
  return coalesce((
    select m.unit from (
      select h.unit, h.programme, h.role, h.from_at from lx.membership h join lx.unit u on u.id = h.unit
      where h.district = p_district and h.person = p_person and h.id <> p_membership and not h.guest and u.district = p_district and u.moving_to is null
      union all
      select p_unit, p_programme, p_role, p_from_at where not p_guest
    ) m
    order by m.programme desc, (m.role = 1) desc, m.from_at desc limit 1), p_stream);
end
$$;
revoke all on function lx.home_of from public;
grant execute on function lx.home_of to lianxiao_writer, lianxiao_carrier;
