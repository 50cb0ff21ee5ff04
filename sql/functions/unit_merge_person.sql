-- Takes one person from a unit into the one that it is merged into: open memberships end now, those as a teacher or guest go on there.
-- Takes the units and the person. Returns what has changed (op_run.changes). Needs the heads of his stream and of both units locked by the caller.
create or replace function lx.unit_merge_person(p_unit lx.unit, p_into lx.unit, p_person uuid) returns bytea
language plpgsql
as $$
declare
  v_district constant int4 := (p_unit).district;
  v_stream uuid;
  v_home uuid;
  v_at timestamptz;
  v_id uuid;
  v_ids uuid[] := '{}';
  r lx.membership;
begin
  select p.stream into strict v_stream from lx.person p where p.district = v_district and p.id = p_person for update;
  for r in select m.* from lx.membership m
           where m.district = v_district and m.person = p_person and m.unit = (p_unit).id and (m.until_at is null or m.until_at > now()) order by m.id loop
    v_at := greatest(r.from_at, now());
    update lx.membership m
    set until_at = v_at, version = r.version + 1,
        seq = lx.head_add(v_district, v_stream, 0, lx.row_digest(r.id, r.version) # lx.row_digest(r.id, r.version + 1))
    where m.district = v_district and m.id = r.id;
    v_ids := v_ids || r.id;
    continue when r.role <> 1 or exists (
      select from lx.membership m
      where m.district = v_district and m.person = p_person and m.unit = (p_into).id and m.programme = r.programme and m.role = 1
        and (m.until_at is null or m.until_at > v_at));
    v_id := lx.uuid7();
    insert into lx.membership (district, stream, seq, version, id, person, unit, programme, role, from_at, until_at, guest)
    values (v_district, v_stream, lx.head_add(v_district, v_stream, 1, lx.row_digest(v_id, 1)), 1, v_id, p_person, (p_into).id, r.programme, 1, v_at, r.until_at, r.guest);
    v_ids := v_ids || v_id;
  end loop;
  v_home := lx.home_of(v_district, p_person, v_stream, '00000000-0000-0000-0000-000000000000', null, null, null, null, true);
  if v_home <> v_stream then
    perform lx.move_subject(v_district, p_person, v_stream, v_home);
  end if;
  perform lx.roster_changed(v_district, array[v_stream, v_home, (p_unit).id, (p_into).id], array[p_person], array[(p_unit).id, (p_into).id]);
  return (select coalesce(string_agg(uuid_send(m.id) || int8send(m.version) || lx.membership_content(v_district, m.id), ''::bytea order by m.id), '')
          from lx.membership m where m.district = v_district and m.id = any(v_ids));
end
$$;
revoke all on function lx.unit_merge_person from public;
grant execute on function lx.unit_merge_person to lianxiao_carrier;
