-- Carries news of transfers between districts, one step a call and one district's rows a step: tells the other district that somebody is on his way to it,
-- and, once he has been taken in, ends the other side's row and the package. The assessor calls it until it says false; any call may be lost or repeated.
-- Takes nothing. Returns whether there was something to do. Locks the head of one district's stream, then the package.
create or replace function lx.transit_carry() returns bool
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_open lx.transit_package;
  v_to lx.unit;
  v_id constant uuid := lx.uuid7();
begin
  select k.* into v_open from lx.transit_package k
  where k.body is not null
    and (case when k.taken_by is null then not k.noticed
              else exists (select from lx.transit t where t.district = k.taken_by and t.transfer = k.transfer and t.ended_at is not null) end)
  limit 1;
  if not found then
    return false;
  end if;
  -- whom it concerns: who is to be told, or the one that has not taken him
  select u.* into strict v_to from lx.unit u
  where u.level = 2 and u.district = case when v_open.taken_by is null or v_open.taken_by <> v_open.to_district then v_open.to_district else v_open.district end;
  perform 1 from lx.head h where h.district = v_to.district and h.stream = v_to.id for no key update;
  select k.* into v_open from lx.transit_package k where k.district = v_open.district and k.transfer = v_open.transfer for update;
  if v_open.taken_by is null and not v_open.noticed then
    insert into lx.transit (district, stream, seq, id, transfer, person, unit, other_district, side, left_at, name)
    select v_to.district, v_to.id, lx.head_add(v_to.district, v_to.id, 1, lx.row_digest(v_id, 1)), v_id, v_open.transfer, v_open.person, u.id, u.district, 2,
           v_open.left_at, v_open.body #>> '{person,name}'
    from lx.unit u where u.level = 2 and u.district = v_open.district;
    update lx.transit_package k set noticed = true where k.district = v_open.district and k.transfer = v_open.transfer;
  elsif v_open.taken_by <> v_to.district then
    perform lx.transit_end(v_to.district, v_open.transfer);
    update lx.transit_package k set body = null where k.district = v_open.district and k.transfer = v_open.transfer;
  end if;
  return true;
end
$$;
alter function lx.transit_carry owner to lianxiao_carrier;
revoke all on function lx.transit_carry from public;
grant execute on function lx.transit_carry to lianxiao_assessor;
