-- Adds or changes one person.
-- Takes sender, district, the stream for a new person (null: first_home knows that he lives in another district), the row and the version seen (0: new). Returns verdict (rows of push_roster) and the version now.
-- Needs the heads locked by push_roster; locks the person's row.
create or replace function lx.person_put(p_sender uuid, p_district int4, p_stream uuid, p_row lx.person, p_seen int8, out verdict int4, out version int8)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_old lx.person;
  v_seq int8;
begin
  version := 0;
  select p.* into v_old from lx.person p where p.district = p_district and p.id = p_row.id for update;
  if v_old.id is not null then
    if lx.mask_over(p_sender, v_old.stream) & 256 = 0 then
      verdict := 3;
      return;
    end if;
    version := v_old.version;
    if (v_old.name, v_old.teacher_no, v_old.account, v_old.certificate, v_old.in_post, v_old.established, v_old.full_time, v_old.birth_year, v_old.title)
       is not distinct from
       (p_row.name, p_row.teacher_no, p_row.account, p_row.certificate, p_row.in_post, p_row.established, p_row.full_time, p_row.birth_year, p_row.title) then
      verdict := 1;
      return;
    end if;
  end if;
  verdict := case
    when version = 0 and lx.has_gone(p_sender, p_district, p_row.id) then 10
    when coalesce(p_seen, 0) <> version then 2
    -- he was here and lives elsewhere, or is under way: to add him again would make two of him
    when version = 0 and exists (select from lx.left_stream l where l.district = p_district and l.subject = p_row.id) then 3
    when version = 0 and p_stream is null then 8
    when exists (select from lx.person p where p.district = p_district and p.teacher_no = p_row.teacher_no and p.id <> p_row.id) then 4
    when exists (select from lx.person p where p.district = p_district and p.account = p_row.account and p.id <> p_row.id) then 5
    else 1
  end;
  if verdict <> 1 then
    return;
  end if;
  version := version + 1;
  if version = 1 then
    v_seq := lx.head_add(p_district, p_stream, 1, lx.row_digest(p_row.id, 1));
    insert into lx.person (district, stream, seq, version, id, birth_year, certificate, in_post, established, full_time, name, teacher_no, account, title)
    values (p_district, p_stream, v_seq, 1, p_row.id, p_row.birth_year, p_row.certificate, p_row.in_post, p_row.established, p_row.full_time, p_row.name,
            p_row.teacher_no, p_row.account, p_row.title);
    perform lx.roster_changed(p_district, array[p_stream], array[p_row.id], array[p_stream]);
  else
    v_seq := lx.head_add(p_district, v_old.stream, 0, lx.row_digest(p_row.id, v_old.version) # lx.row_digest(p_row.id, version));
    update lx.person p
    set seq = v_seq, version = v_old.version + 1, birth_year = p_row.birth_year, certificate = p_row.certificate, in_post = p_row.in_post,
        established = p_row.established, full_time = p_row.full_time, name = p_row.name, teacher_no = p_row.teacher_no, account = p_row.account, title = p_row.title
    where p.district = p_district and p.id = p_row.id;
    perform lx.roster_changed(p_district, array[v_old.stream], array[p_row.id], array[v_old.stream]);
  end if;
end
$$;
revoke all on function lx.person_put from public;
grant execute on function lx.person_put to lianxiao_writer;
