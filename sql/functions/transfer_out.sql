-- The first half of a transfer: packs everything about a person, takes it out of his district and says so in the district's stream.
-- Takes sender, district, transfer, person, the other district's unit, the day he leaves and the version of the person seen. Returns the verdict (rows of
-- push_roster) and the person's version, 0 when nothing was done. Needs the heads of his stream, his memberships' units and the district locked by push_roster; locks his row.
create or replace function lx.transfer_out(
  p_sender uuid, p_district int4, p_transfer uuid, p_person uuid, p_to uuid, p_left_at timestamptz, p_seen int8, out verdict int4, out version int8
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_person lx.person;
  v_known record;
  v_to lx.unit;
  v_own uuid;
  v_mask int4;
  v_units uuid[];
begin
  version := 0;
  select k.person, k.to_unit into v_known from lx.transit_package k where k.district = p_district and k.transfer = p_transfer;
  if found then -- the same under another key; prune leaves the package, when the transfer is over and its row of lx.transit gone
    verdict := case when (v_known.person, v_known.to_unit) = (p_person, p_to) then 1 else 3 end;
    return;
  end if;
  select p.* into v_person from lx.person p where p.district = p_district and p.id = p_person for update;
  v_mask := coalesce(lx.mask_over(p_sender, v_person.stream), 0);
  if v_person.id is null or v_mask & 256 = 0 then
    verdict := case when lx.has_gone(p_sender, p_district, p_person) then 10 else 3 end;
    return;
  end if;
  if p_transfer = any(v_person.transfers) then -- the same, in a district that had no part in it: his school, or he, has gone on to it
    verdict := 1;
    return;
  end if;
  if exists (select from lx.transit t where t.district = p_district and t.transfer = p_transfer) then -- another district's, of somebody else
    verdict := 3;
    return;
  end if;
  version := v_person.version;
  select u.* into v_to from lx.unit u where u.id = p_to;
  verdict := case
    when v_mask & 8192 = 0 then 7
    when coalesce(p_seen, 0) <> version then 2
    when v_to.level is distinct from 2 or v_to.district = p_district then 11
    else 1
  end;
  if verdict <> 1 then
    return;
  end if;
  select u.id into strict v_own from lx.unit u where u.district = p_district and u.level = 2;
  v_units := array(select m.unit from lx.membership m where m.district = p_district and m.person = p_person) || v_person.stream;
  insert into lx.transit_package (district, transfer, person, to_district, to_unit, left_at, body)
  values (p_district, p_transfer, p_person, v_to.district, p_to, p_left_at, lx.transfer_pack(p_district, v_person, p_left_at));
  perform lx.roster_changed(
    p_district,
    v_units || array(select b.id from lx.membership m join lx.unit b on b.path @> array[m.unit]
                     where m.district = p_district and m.person = p_person and m.role <> 1),
    array[p_person], v_units);
  perform lx.transfer_clear(p_district, v_person, p_to);
  insert into lx.transit (district, stream, seq, id, transfer, person, unit, other_district, side, left_at, name)
  values (p_district, v_own, lx.head_add(p_district, v_own, 1, lx.row_digest(p_transfer, 1)), p_transfer, p_transfer, p_person, p_to, v_to.district, 1, p_left_at,
          v_person.name);
end
$$;
alter function lx.transfer_out owner to lianxiao_carrier;
revoke all on function lx.transfer_out from public;
grant execute on function lx.transfer_out to lianxiao_writer;
