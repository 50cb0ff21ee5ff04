-- Says whether a membership may be written, apart from versions.
-- Takes sender, district, the row, the person's stream now and the home that would follow. Returns the verdict (rows of push_roster). Locks nothing.
create or replace function lx.membership_check(p_sender uuid, p_district int4, p_row lx.membership, p_stream uuid, p_home uuid) returns int4
language plpgsql stable
as $$
declare
  v_unit lx.unit;
begin
  select u.* into v_unit from lx.unit u where u.id = p_row.unit;
  return case
    when v_unit.id is null or lx.mask_over(p_sender, v_unit.id) & 256 = 0 then 3
    when v_unit.district <> p_district then 8
    when v_unit.closed_at is not null and p_row.until_at is null then 15
    when not case p_row.role when 1 then v_unit.level in (3, 4) when 2 then v_unit.level = 4 when 3 then v_unit.level = 3 when 6 then true else false end then 9
    when p_row.role = 1 and not p_row.guest and exists (
      select from lx.membership m
      where m.district = p_district and m.person = p_row.person and m.programme = p_row.programme and m.id <> p_row.id and m.role = 1 and not m.guest
        and m.from_at < coalesce(p_row.until_at, 'infinity') and p_row.from_at < coalesce(m.until_at, 'infinity')) then 6
    when p_home <> p_stream and lx.mask_over(p_sender, p_home) & 256 = 0 then 3
    when p_home <> p_stream and lx.school_of(p_home) <> lx.school_of(p_stream)
         and (lx.mask_over(p_sender, p_home) & lx.mask_over(p_sender, p_stream)) & 8192 = 0 then 7
    else 1
  end;
end
$$;
revoke all on function lx.membership_check from public;
grant execute on function lx.membership_check to lianxiao_writer;
