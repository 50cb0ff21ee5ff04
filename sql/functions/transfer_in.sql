-- The second half of a transfer: the district that is named, or the one that sent him out, takes a person in with a home membership.
-- Takes sender, district, transfer and the membership. Returns the verdict (rows of push_roster) and the membership's version, 0 when nothing was done.
-- What decides is one row of the sending district, taken_by, written once; a call that repeats it goes on. Between database cells that is a call of its own
-- before this one; all else here is rows of the district that takes him in. His row says from now on that this transfer is done (person.transfers).
-- Needs the heads of the unit and the district locked by push_roster; locks the package.
create or replace function lx.transfer_in(p_sender uuid, p_district int4, p_transfer uuid, p_row lx.membership, out verdict int4, out version int8)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_side lx.transit;
  v_from int4;
  v_body jsonb;
  v_old lx.membership;
begin
  version := 0;
  verdict := 3;
  select t.* into v_side from lx.transit t where t.district = p_district and t.transfer = p_transfer;
  select m.* into v_old from lx.membership m where m.district = p_district and m.id = p_row.id and m.person = p_row.person;
  if (case when v_side.transfer is null then v_old.id is null or lx.mask_over(p_sender, v_old.stream) & 256 = 0
           else v_side.person is distinct from p_row.person or lx.mask_over(p_sender, v_side.stream) & 1 = 0 end) then
    return;
  end if;
  -- the same under another key; or prune has removed the transfer's row, which was over
  if v_old.id is not null and (v_side.transfer is null or v_side.ended_at is not null) then
    verdict := case when (v_old.unit, v_old.programme, v_old.from_at) = (p_row.unit, p_row.programme, p_row.from_at) then 1 else 12 end;
    return;
  end if;
  v_from := case v_side.side when 1 then p_district else v_side.other_district end;
  select k.body into v_body from lx.transit_package k
  where k.district = v_from and k.transfer = p_transfer and (k.taken_by is null or k.taken_by = p_district) and v_side.ended_at is null for update;
  verdict := lx.transfer_check(p_sender, p_district, p_row, v_side.left_at, v_body);
  if verdict <> 1 then
    return;
  end if;
  update lx.transit_package k set taken_by = p_district, taken_at = clock_timestamp() where k.district = v_from and k.transfer = p_transfer;
  perform lx.transfer_unpack(p_district, p_row.unit, v_body);
  update lx.person p set transfers = p.transfers || p_transfer where p.district = p_district and p.id = p_row.person;
  version := 1;
  insert into lx.membership (district, stream, seq, version, id, person, unit, programme, role, from_at, until_at, guest)
  values (p_district, p_row.unit, lx.head_add(p_district, p_row.unit, 1, lx.row_digest(p_row.id, 1)), 1, p_row.id, p_row.person, p_row.unit, p_row.programme, 1,
          p_row.from_at, p_row.until_at, false);
  perform lx.transit_end(p_district, p_transfer);
  perform lx.roster_changed(p_district, array[p_row.unit], array[p_row.person], array[p_row.unit]);
end
$$;
alter function lx.transfer_in owner to lianxiao_carrier;
revoke all on function lx.transfer_in from public;
grant execute on function lx.transfer_in to lianxiao_writer;
