-- One group of roster operations (persons, memberships, transfers), each judged against the version its author saw. See sql/README.md, "Roster".
-- Takes the group and its rows in order. Returns row 0 (the group's verdict and answer) and, when it is done, one row per operation.
-- Locks the heads of all streams it may touch in ascending order first, then the roster rows. A person who moved between reading and locking: 40001, call again.
-- A number or account taken at the same moment elsewhere, or anything else that is there already: 23505, call again with p_slow, which refuses what stands alone
-- with it (push_roster_slow).
drop function if exists lx.push_roster(bytea, uuid, int4, uuid, int8, bytea, int8, int4, bytea, timestamptz, bytea[], int8[], int4[], uuid[], int8[], text[], text[], text[], bool[],
                                       bool[], bool[], bool[], int4[], text[], uuid[], int4[], uuid[], int4[], timestamptz[], timestamptz[], bool[], uuid[]);
create or replace function lx.push_roster(
  p_device bytea, p_person uuid, p_district int4, p_stream uuid, p_op_from int8, p_hashes bytea, p_scope_version int8,
  p_refused int4, p_answer bytea, p_received_at timestamptz, p_reasons bytea[],
  p_op int8[], p_what int4[], p_id uuid[], p_seen int8[],
  p_name text[], p_teacher_no text[], p_account text[], p_certificate bool[], p_in_post bool[], p_established bool[], p_full_time bool[],
  p_birth_year int4[], p_title text[],
  p_member uuid[], p_programme int4[], p_unit uuid[], p_role int4[], p_from_at timestamptz[], p_until_at timestamptz[], p_guest bool[],
  p_join uuid[], p_slow bool default false
) returns table (row_no int4, verdict int4, version int8, op_to int8, head int8, flags int4, answer bytea)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_op_to constant int8 := p_op_from + octet_length(p_hashes) / 16 - 1;
  v_streams constant uuid[] := lx.roster_streams(p_district, p_stream, p_what, p_id, p_member, p_unit);
  v_verdict int4;
  v_last int8;
  v_row record;
  v_home uuid;
  v_subject lx.person;
  v_member lx.membership;
  v_verdicts int4[] := '{}';
  v_versions int8[] := '{}';
  v_refused int4 := coalesce(p_refused, 0);
  v_answer bytea := coalesce(p_answer, '');
  v_changes bytea := '';
  v_head int8;
  i int4;
begin
  perform 1 from lx.head h where h.district = p_district and h.stream = any(v_streams) order by h.district, h.stream for no key update;
  if not lx.roster_streams(p_district, p_stream, p_what, p_id, p_member, p_unit) <@ v_streams then
    raise exception 'push_roster: a person moved meanwhile' using errcode = 'serialization_failure';
  end if;

  select j.verdict, j.last into strict v_verdict, v_last from lx.push_roster_judge(p_device, p_person, p_district, p_stream, p_op_from, p_hashes) j;
  -- who joined a unit under way would stay behind with his rows: it packed what it took when it left
  if v_verdict = 1 and exists (select from lx.unit u where u.id = any(p_unit) and u.district = p_district and u.moving_to is not null) then
    v_verdict := 9;
  end if;
  if v_verdict = 7 then
    update lx.device d set frozen_at = now() where d.device = p_device and d.frozen_at is null;
  end if;
  if v_verdict = 1 then
    select h.head into v_head from lx.head h where h.district = p_district and h.stream = p_stream;
    for i in 1 .. coalesce(cardinality(p_op), 0) loop
      v_home := case p_what[i] when 1 then lx.first_home(p_person, p_district, p_stream, p_id[i], i, p_member, p_unit, p_role, p_guest, p_programme) end;
      v_subject := row(p_district, p_stream, 0, 1, p_id[i], p_birth_year[i], coalesce(p_certificate[i], false), coalesce(p_in_post[i], false),
                       coalesce(p_established[i], false), coalesce(p_full_time[i], false), p_name[i], p_teacher_no[i], p_account[i], p_title[i], null);
      v_member := row(p_district, p_stream, 0, 1, case p_what[i] when 4 then p_join[i] else p_id[i] end, p_member[i], p_unit[i], p_programme[i], p_role[i],
                      p_from_at[i], p_until_at[i], coalesce(p_guest[i], false));
      if p_slow then
        v_row := lx.push_roster_slow(p_person, p_district, p_what[i], p_id[i], v_home, v_subject, v_member, p_seen[i]);
      else
        v_row := lx.push_roster_put(p_person, p_district, p_what[i], p_id[i], v_home, v_subject, v_member, p_seen[i]);
      end if;
      v_verdicts[i] := v_row.verdict;
      v_versions[i] := v_row.version;
      if v_row.verdict = 1 then
        v_changes := v_changes || case when p_what[i] in (3, 4) then case when v_row.version > 0 then lx.transfer_changes(p_district, p_id[i], p_join[i]) else '' end
          else uuid_send(p_id[i]) || int8send(v_row.version) || lx.record_content(p_district, case p_what[i] when 1 then 'person' else 'membership' end, p_id[i]) end;
      else
        v_refused := v_refused + 1;
        v_answer := v_answer || lx.pb_refused(p_op[i], coalesce(p_reasons[v_row.verdict], '')
                      || case v_row.verdict when 2 then lx.pb_parameter('version', v_row.version::text)
                                             when 10 then lx.transferred_parameters(p_district, coalesce(p_member[i], p_id[i])) else '' end);
      end if;
    end loop;
    insert into lx.op_run (district, stream, device, op_from, op_to, seq_from, scope_version, received_at, stored, refused, flags, person, root, hashes, answer, contents, changes)
    values (p_district, p_stream, p_device, p_op_from, v_op_to, v_head + 1, coalesce(p_scope_version, 0), p_received_at,
            (select count(*) from unnest(v_verdicts) v where v = 1), v_refused, 0, p_person, sha256(p_hashes), p_hashes, v_answer, '', v_changes);
    update lx.head h set pushed_at = p_received_at, runs = h.runs + 1 where h.district = p_district and h.stream = p_stream;
  elsif v_verdict = 2 then
    v_answer := lx.op_answer(p_district, p_stream, p_device, p_op_from, v_op_to);
  end if;

  select h.head into v_head from lx.head h where h.district = p_district and h.stream = p_stream;
  return query select 0, v_verdict, null::int8, case when v_verdict = 1 then v_op_to when v_verdict in (2, 3, 4) then v_last end,
                      case when v_verdict in (1, 2) then v_head end, 0, case when v_verdict in (1, 2) then v_answer end;
  return query select r.no::int4, r.verdict, r.version, null::int8, null::int8, 0, null::bytea
               from unnest(v_verdicts, v_versions) with ordinality r (verdict, version, no) order by r.no;
end
$$;
alter function lx.push_roster owner to lianxiao_writer;
revoke all on function lx.push_roster from public;
grant execute on function lx.push_roster to lianxiao_api;
