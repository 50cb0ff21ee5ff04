-- Where a new person is put: at once where a later row of the same group makes his home, so that he does not start with a move; else the group's stream.
-- Takes sender, the group's stream, the person, his row's place and the membership columns of push_roster. Returns the stream; null when that home lies in
-- another district: he may be there already, since the group may be one that was done before his school moved. Locks nothing.
create or replace function lx.first_home(
  p_sender uuid, p_district int4, p_stream uuid, p_person uuid, p_row int4, p_member uuid[], p_unit uuid[], p_role int4[], p_guest bool[], p_programme int4[]
) returns uuid
language plpgsql stable
as $$
begin
  if exists (
    select from unnest(p_member, p_unit, p_role, p_guest) with ordinality m (member, unit, role, guest, no) join lx.unit u on u.id = m.unit
    where m.no > p_row and m.member = p_person and not coalesce(m.guest, false) and m.role = 1 and u.district <> p_district) then
    return null;
  end if;
  return coalesce((
    select u.id
    from unnest(p_member, p_unit, p_role, p_guest, p_programme) with ordinality m (member, unit, role, guest, programme, no)
    join lx.unit u on u.id = m.unit and u.district = p_district
    where m.no > p_row and m.member = p_person and not coalesce(m.guest, false) and m.role = 1 and u.level >= 3
      and lx.mask_over(p_sender, u.id) & 256 <> 0
    order by m.programme desc, m.no limit 1), p_stream);
end
$$;
revoke all on function lx.first_home from public;
grant execute on function lx.first_home to lianxiao_writer;
