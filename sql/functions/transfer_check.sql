-- Says whether somebody under way may be taken in with a membership.
-- Takes sender, district, the membership, the day he left and his package (null: somebody has taken him). Returns the verdict (rows of push_roster). Locks nothing.
create or replace function lx.transfer_check(p_sender uuid, p_district int4, p_row lx.membership, p_left_at timestamptz, p_body jsonb) returns int4
language plpgsql stable
as $$
declare
  v_unit lx.unit;
  v_mask constant int4 := lx.mask_over(p_sender, (p_row).unit);
begin
  select u.* into v_unit from lx.unit u where u.id = p_row.unit and u.district = p_district;
  return case
    when v_unit.id is null or v_mask & 256 = 0 then 3
    when v_mask & 8192 = 0 then 7
    when p_body is null then 12
    when v_unit.closed_at is not null then 15
    when v_unit.level not in (3, 4) or p_row.role <> 1 or p_row.guest then 9
    when p_row.from_at < p_left_at then 13
    -- a home there that ended later would stay his home (home_of)
    when exists (select from jsonb_array_elements(p_body -> 'memberships') m (row) join lx.unit u on u.id = (m.row ->> 'unit')::uuid and u.district = p_district
                 where not (m.row ->> 'guest')::bool and (m.row ->> 'from_at')::timestamptz > p_row.from_at) then 13
    when exists (select from lx.person p where p.district = p_district and p.teacher_no = p_body #>> '{person,teacher_no}') then 4
    when exists (select from lx.person p where p.district = p_district and p.account = p_body #>> '{person,account}') then 5
    when exists (select from lx.membership m where m.district = p_district and m.id = p_row.id)
         or exists (select from jsonb_array_elements(p_body -> 'memberships') m (row) where (m.row ->> 'id')::uuid = p_row.id)
         or lx.transfer_clashes(p_district, p_body) then 14
    else 1
  end;
end
$$;
revoke all on function lx.transfer_check from public;
grant execute on function lx.transfer_check to lianxiao_carrier;
