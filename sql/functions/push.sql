-- One pile of facts: many groups (one device's operations of one stream each), judged per group, stored at once. See sql/README.md, "Push".
-- Takes parallel arrays of groups, targets (streams that a group's facts go to), facts and submissions. Returns one row per group.
-- Locks the heads of all targets in ascending order first; everything is judged by the next statement, so with a snapshot that sees what the locks waited for.
-- Fast path: plain inserts; a record id or source key that is already there fails the call (23505), which is then repeated with p_slow.
create or replace function lx.push(
  p_device bytea[], p_person uuid[], p_district int4[], p_stream uuid[], p_op_from int8[], p_hashes bytea[], p_scope_version int8[],
  p_refused int4[], p_answer bytea[],
  p_target_group int4[], p_target_stream uuid[], p_target_needs int4[], p_target_roster int8[], p_target_count int4[], p_target_digest int8[],
  p_fact_target int4[], p_fact_pos int4[], p_id uuid[], p_programme int4[], p_kind int4[], p_subject uuid[],
  p_item text[], p_occurred_at timestamptz[], p_until_at timestamptz[], p_quantity int8[], p_of uuid[], p_form text[],
  p_source_key bytea[], p_fact_op int8[],
  p_sub_fact int4[], p_sub_body bytea[],
  p_received_at timestamptz, p_slow bool, p_taken_reason bytea, p_contents bytea[] default null
) returns table (group_no int4, verdict int4, op_to int8, head int8, stored int4, flags int4, answer bytea)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  v_verdict int4[];
  v_last int8[];
  v_flags int4[];
  v_base int8[];              -- per target: seq before its first fact; -1: not accepted
  v_answer bytea[] := p_answer;
  v_refused int4[] := p_refused;
  v_contents bytea[] := p_contents;
  v_stored int4[];
  v_slow record;
  v_rows int8;
begin
  if p_slow then
    perform 1
    from (select p_district[t.grp] as district, t.stream from unnest(p_target_group, p_target_stream) t (grp, stream)
          union
          select f.district, f.stream from lx.push_superseded(p_district, p_target_group, p_target_stream, p_fact_target, p_source_key) f
          order by 1, 2) t
    cross join lateral (select from lx.head h where h.district = t.district and h.stream = t.stream for no key update) h; -- each looked up, see standing_put
  else
    perform 1
    from (select distinct p_district[t.grp] as district, t.stream from unnest(p_target_group, p_target_stream) t (grp, stream) order by 1, 2) t
    cross join lateral (select from lx.head h where h.district = t.district and h.stream = t.stream for no key update) h;
  end if;

  select j.verdicts, j.lasts, j.flags, j.bases into strict v_verdict, v_last, v_flags, v_base
  from lx.push_judge(p_device, p_person, p_district, p_stream, p_op_from, p_hashes, p_scope_version,
                     p_target_group, p_target_stream, p_target_needs, p_target_roster, p_target_count, p_fact_target, p_subject) j;

  if 7 = any(v_verdict) then
    update lx.device d set frozen_at = now()
    from unnest(p_device, v_verdict) g (device, verdict)
    where g.verdict = 7 and d.device = g.device and d.frozen_at is null;
  end if;

  if p_slow then
    select s.stored, s.refused, s.answers, s.contents into strict v_slow
    from lx.push_slow(p_person, p_district, p_stream, v_flags, p_refused, p_answer, p_target_group, p_target_stream, p_target_needs, v_base, p_fact_target, p_id,
                      p_programme, p_kind, p_subject, p_item, p_occurred_at, p_until_at, p_quantity, p_of, p_form, p_source_key, p_fact_op,
                      p_sub_fact, p_sub_body, p_received_at, p_taken_reason, p_contents) s;
    v_stored := v_slow.stored;
    v_refused := v_slow.refused;
    v_answer := v_slow.answers;
    v_contents := v_slow.contents;
  else
    insert into lx.fact (seq, occurred_at, until_at, quantity, received_at, district, programme, kind, flags, stream, id, subject, of_id, actor, item, form, source_key)
    select v_base[p_fact_target[i]] + p_fact_pos[i], p_occurred_at[i], p_until_at[i], p_quantity[i], p_received_at,
           p_district[p_target_group[p_fact_target[i]]], p_programme[i], p_kind[i], v_flags[p_target_group[p_fact_target[i]]],
           p_target_stream[p_fact_target[i]], p_id[i], p_subject[i], p_of[i], p_person[p_target_group[p_fact_target[i]]], p_item[i], p_form[i],
           p_source_key[i]
    from generate_subscripts(p_fact_target, 1) i -- by subscripts, which costs half of unnesting 13 arrays
    where v_base[p_fact_target[i]] >= 0;
    get diagnostics v_rows = row_count;
    if v_rows <> (select coalesce(sum(t.count), 0) from unnest(p_target_count, v_base) t (count, base) where t.base >= 0) then
      raise exception 'push: target counts do not add up to the facts' using errcode = 'data_exception';
    end if;
    if cardinality(p_sub_fact) > 0 then
      insert into lx.submission (district, stream, fact, sha256, body)
      select p_district[p_target_group[p_fact_target[s.fact]]], p_target_stream[p_fact_target[s.fact]], p_id[s.fact], sha256(s.body), s.body
      from unnest(p_sub_fact, p_sub_body) s (fact, body)
      where v_base[p_fact_target[s.fact]] >= 0;
    end if;
    if cardinality(p_source_key) > 0 then
      insert into lx.import_key (district, school, source_key, fact)
      select u.district, case when u.level = 4 then u.parent else u.id end, f.source_key, f.id
      from unnest(p_fact_target, p_source_key, p_id) f (target, source_key, id)
      join lx.unit u on u.id = p_target_stream[f.target]
      where f.source_key is not null and v_base[f.target] >= 0
      order by u.district, f.source_key; -- one order for all piles: two that bring the same keys wait for each other, but never both
    end if;
    update lx.head h set head = h.head + c.n, live = h.live + c.n, digest = h.digest # c.digest, runs = h.runs + c.runs, pushed_at = p_received_at
    from (select p_district[t.grp] as district, t.stream, sum(t.count) as n, bit_xor(t.digest) as digest,
                 count(*) filter (where t.stream = p_stream[t.grp]) as runs
          from unnest(p_target_group, p_target_stream, p_target_count, p_target_digest, v_base) t (grp, stream, count, digest, base)
          where t.base >= 0 group by 1, 2) c
    where h.district = c.district and h.stream = c.stream;
    v_stored := array(select coalesce(sum(t.count), 0)::int4
                      from generate_subscripts(p_stream, 1) g
                      left join unnest(p_target_group, p_target_count) t (grp, count) on t.grp = g
                      group by g order by g);
  end if;

  if exists (select from unnest(v_contents, v_stored, v_verdict) c (contents, stored, verdict)
             where c.verdict = 1 and octet_length(c.contents) < 16 * c.stored) then
    raise exception 'push: a fact without its content hash' using errcode = 'data_exception';
  end if;
  insert into lx.op_run (district, stream, device, op_from, op_to, seq_from, scope_version, received_at, stored, refused, flags, person, root, hashes, answer, contents)
  select g.district, g.stream, g.device, g.op_from, g.op_from + octet_length(g.hashes) / 16 - 1, t.base + 1, coalesce(g.scope_version, 0), p_received_at,
         g.stored, coalesce(g.refused, 0), g.flags, g.person, sha256(g.hashes), g.hashes, coalesce(g.answer, ''), g.contents
  from unnest(p_district, p_stream, p_device, p_op_from, p_hashes, p_scope_version, v_stored, v_refused, v_flags, p_person, v_answer, v_verdict, v_contents)
       with ordinality g (district, stream, device, op_from, hashes, scope_version, stored, refused, flags, person, answer, verdict, contents, no)
  join unnest(p_target_group, p_target_stream, v_base) t (grp, stream, base) on t.grp = g.no and t.stream = g.stream
  where g.verdict = 1;

  return query
  select g.no::int4, g.verdict,
         case when g.verdict = 1 then g.op_from + octet_length(g.hashes) / 16 - 1 when g.verdict in (2, 3, 4) then g.last end,
         case when g.verdict in (1, 2) then h.head end,
         case when g.verdict = 1 then g.stored else 0 end,
         g.flags,
         case g.verdict when 1 then coalesce(g.answer, '')
                        when 2 then lx.op_answer(g.district, g.stream, g.device, g.op_from, g.op_from + octet_length(g.hashes) / 16 - 1) end
  from unnest(p_district, p_stream, p_device, p_op_from, p_hashes, v_stored, v_flags, v_answer, v_verdict, v_last)
       with ordinality g (district, stream, device, op_from, hashes, stored, flags, answer, verdict, last, no)
  left join lx.head h on h.district = g.district and h.stream = g.stream
  order by g.no;
end
$$;
alter function lx.push owner to lianxiao_writer;
revoke all on function lx.push from public;
grant execute on function lx.push to lianxiao_api;
