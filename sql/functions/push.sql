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
  v_judged record;            -- of push_judge
  v_slow record;
  v_verdict int4[];
  v_last int8[];
  v_flags int4[];
  v_first int8[];             -- per group: seq before its first fact in its own stream
  v_base int8[];              -- per target: seq before its first fact; -1: not accepted
  v_head int8[];              -- per group: head of its stream afterwards
  v_stored int4[];
  v_answer bytea[] := p_answer;
  v_refused int4[] := p_refused;
  v_contents bytea[] := p_contents;
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

  v_judged := lx.push_judge(p_device, p_person, p_district, p_stream, p_op_from, p_hashes, p_scope_version,
                            p_target_group, p_target_stream, p_target_needs, p_target_roster, p_target_count, p_fact_target, p_subject);
  v_verdict := v_judged.verdicts;
  v_last := v_judged.lasts;
  v_flags := v_judged.flags;
  v_first := v_judged.firsts;
  v_stored := v_judged.stored;
  v_base := v_judged.bases;
  v_head := v_judged.heads;
  if coalesce(cardinality(v_verdict), 0) <> cardinality(p_stream) then
    raise exception 'push: a group without one target of its own stream' using errcode = 'data_exception';
  end if;

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
    v_head := array(select (select h.head from lx.head h where h.district = p_district[i] and h.stream = p_stream[i]) from generate_subscripts(p_stream, 1) i order by i);
  else
    insert into lx.fact (seq, occurred_at, until_at, quantity, received_at, district, programme, kind, flags, stream, id, subject, of_id, actor, item, form, source_key)
    select v_base[p_fact_target[i]] + p_fact_pos[i], p_occurred_at[i], p_until_at[i], p_quantity[i], p_received_at,
           p_district[p_target_group[p_fact_target[i]]], p_programme[i], p_kind[i], v_flags[p_target_group[p_fact_target[i]]],
           p_target_stream[p_fact_target[i]], p_id[i], p_subject[i], p_of[i], p_person[p_target_group[p_fact_target[i]]], p_item[i], p_form[i],
           p_source_key[i]
    from generate_subscripts(p_fact_target, 1) i -- by subscripts, which costs half of unnesting 13 arrays
    where v_base[p_fact_target[i]] >= 0;
    get diagnostics v_rows = row_count;
    if v_rows <> v_judged.facts then
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
  end if;

  insert into lx.op_run (district, stream, device, op_from, op_to, seq_from, scope_version, received_at, stored, refused, flags, person, root, hashes, answer, contents)
  select p_district[i], p_stream[i], p_device[i], p_op_from[i], p_op_from[i] + octet_length(p_hashes[i]) / 16 - 1, v_first[i] + 1, coalesce(p_scope_version[i], 0), p_received_at,
         v_stored[i], coalesce(v_refused[i], 0), v_flags[i], p_person[i], sha256(p_hashes[i]), p_hashes[i], coalesce(v_answer[i], ''), v_contents[i]
  from generate_subscripts(p_stream, 1) i
  where v_verdict[i] = 1 and (octet_length(v_contents[i]) < 16 * v_stored[i]) is not true;
  get diagnostics v_rows = row_count;
  if v_rows <> cardinality(array_positions(v_verdict, 1)) then
    raise exception 'push: a fact without its content hash' using errcode = 'data_exception';
  end if;

  return query
  select i, v_verdict[i],
         case when v_verdict[i] = 1 then p_op_from[i] + octet_length(p_hashes[i]) / 16 - 1 when v_verdict[i] in (2, 3, 4) then v_last[i] end,
         case when v_verdict[i] in (1, 2) then v_head[i] end,
         case when v_verdict[i] = 1 then v_stored[i] else 0 end,
         v_flags[i],
         case v_verdict[i] when 1 then coalesce(v_answer[i], '')
                           when 2 then lx.op_answer(p_district[i], p_stream[i], p_device[i], p_op_from[i], p_op_from[i] + octet_length(p_hashes[i]) / 16 - 1) end
  from generate_subscripts(p_stream, 1) i
  order by i;
end
$$;
alter function lx.push owner to lianxiao_writer;
revoke all on function lx.push from public;
grant execute on function lx.push to lianxiao_api;
