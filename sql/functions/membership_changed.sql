-- Whom a changed membership concerns: both streams of the person, the units named before and now, and for an office all streams below its unit.
-- Takes district, the new row, unit and role before (null: new), the person's streams before and now. Returns nothing. Needs the heads locked by push_roster.
create or replace function lx.membership_changed(p_district int4, p_row lx.membership, p_old_unit uuid, p_old_role int4, p_from uuid, p_to uuid) returns void
language plpgsql
as $$
declare
  v_streams uuid[] := array[p_from, p_to, p_row.unit, coalesce(p_old_unit, p_row.unit)];
begin
  if p_row.role <> 1 or coalesce(p_old_role, 1) <> 1 then
    v_streams := v_streams || array(select u.id from lx.unit u where u.path @> array[p_row.unit])
                           || array(select u.id from lx.unit u where u.path @> array[coalesce(p_old_unit, p_row.unit)]);
  end if;
  perform lx.roster_changed(p_district, v_streams, array[p_row.person], array[p_from, p_to, p_row.unit, coalesce(p_old_unit, p_row.unit)]);
end
$$;
revoke all on function lx.membership_changed from public;
grant execute on function lx.membership_changed to lianxiao_writer;
