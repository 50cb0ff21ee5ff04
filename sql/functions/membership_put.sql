-- Adds, changes or ends one membership; moves the person's rows when his home changes.
-- Takes sender, district, the row and the version seen (0: new). Returns verdict (rows of push_roster) and the version now.
-- Needs the heads locked by push_roster; locks the person's and the membership's row.
create or replace function lx.membership_put(p_sender uuid, p_district int4, p_row lx.membership, p_seen int8, out verdict int4, out version int8)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_old lx.membership;
  v_stream uuid;
  v_home uuid;
  v_seq int8;
begin
  version := 0;
  select p.stream into v_stream from lx.person p where p.district = p_district and p.id = p_row.person for update;
  if v_stream is null or lx.mask_over(p_sender, v_stream) & 256 = 0 then
    verdict := case when lx.has_gone(p_sender, p_district, p_row.person) then 10 else 3 end;
    return;
  end if;
  select m.* into v_old from lx.membership m where m.district = p_district and m.id = p_row.id for update;
  if v_old.person <> p_row.person then
    verdict := 3;
    return;
  end if;
  version := coalesce(v_old.version, 0);
  if (v_old.unit, v_old.programme, v_old.role, v_old.from_at, v_old.until_at, v_old.guest)
     is not distinct from (p_row.unit, p_row.programme, p_row.role, p_row.from_at, p_row.until_at, p_row.guest) then
    verdict := 1;
    return;
  end if;
  v_home := lx.home_of(p_district, p_row.person, v_stream, p_row.id, p_row.programme, p_row.unit, p_row.role, p_row.from_at, p_row.guest);
  verdict := case when coalesce(p_seen, 0) <> version then 2 else lx.membership_check(p_sender, p_district, p_row, v_stream, v_home) end;
  if verdict <> 1 then
    return;
  end if;
  if v_home <> v_stream then
    perform lx.move_subject(p_district, p_row.person, v_stream, v_home);
  end if;
  version := version + 1;
  v_seq := lx.head_add(p_district, v_home, (version = 1)::int4,
                       case when version = 1 then 0 else lx.row_digest(p_row.id, version - 1) end # lx.row_digest(p_row.id, version));
  insert into lx.membership as m (district, stream, seq, version, id, person, unit, programme, role, from_at, until_at, guest)
  values (p_district, v_home, v_seq, version, p_row.id, p_row.person, p_row.unit, p_row.programme, p_row.role, p_row.from_at, p_row.until_at, p_row.guest)
  on conflict (district, id) do update
  set stream = excluded.stream, seq = excluded.seq, version = excluded.version, unit = excluded.unit, programme = excluded.programme, role = excluded.role,
      from_at = excluded.from_at, until_at = excluded.until_at, guest = excluded.guest;
  perform lx.membership_changed(p_district, p_row, v_old.unit, v_old.role, v_stream, v_home);
end
$$;
revoke all on function lx.membership_put from public;
grant execute on function lx.membership_put to lianxiao_writer;
