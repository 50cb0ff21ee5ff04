-- The slow path of push: the accepted facts one by one, so that a record that is already there harms nobody else.
-- Same id or same source key with the same content: counts as stored. Same id, other content: a stored refusal. Same source key, other content: the old fact is
-- voided and the new one stored, if the sender may do so where the old one lives; else refused.
-- Takes the arrays of push and the judge's results. Returns facts stored, operations refused, the answer and the contents of what was stored, per group.
-- Locks nothing more than push has locked; a fact that moved meanwhile ends in 40001.
create or replace function lx.push_slow(
  p_person uuid[], p_district int4[], p_stream uuid[], p_flags int4[], p_refused int4[], p_answer bytea[],
  p_target_group int4[], p_target_stream uuid[], p_target_needs int4[], p_base int8[],
  p_fact_target int4[], p_id uuid[], p_programme int4[], p_kind int4[], p_subject uuid[],
  p_item text[], p_occurred_at timestamptz[], p_until_at timestamptz[], p_quantity int8[], p_of uuid[], p_form text[],
  p_source_key bytea[], p_fact_op int8[], p_sub_fact int4[], p_sub_body bytea[], p_received_at timestamptz, p_taken_reason bytea,
  p_contents bytea[], out stored int4[], out refused int4[], out answers bytea[], out contents bytea[]
)
language plpgsql
as $$
#variable_conflict use_column
declare
  f record;
  v_group int4;
  v_place record;
  v_body bytea;
begin
  stored := array_fill(0, array[cardinality(p_person)]);
  refused := p_refused;
  answers := p_answer;
  contents := array(select case when c.hashes is not null then ''::bytea end from unnest(p_contents) with ordinality c (hashes, no) order by c.no);
  for f in
    select u.*, p_target_group[u.target] as grp, p_district[p_target_group[u.target]] as district, p_target_stream[u.target] as stream,
           row_number() over (partition by p_target_group[u.target] order by u.no)::int4 as place
    from unnest(p_fact_target, p_id, p_programme, p_kind, p_subject, p_item, p_occurred_at, p_until_at, p_quantity, p_of, p_form, p_source_key, p_fact_op)
         with ordinality u (target, id, programme, kind, subject, item, occurred_at, until_at, quantity, of_id, form, source_key, op, no)
    where p_base[u.target] >= 0
    order by u.no
  loop
    v_group := f.grp;
    v_place := lx.push_place(p_person[v_group], f.district, f.stream, p_target_needs[f.target], p_received_at, f.id, f.programme, f.kind, f.subject,
                            f.item, f.occurred_at, f.until_at, f.quantity, f.of_id, f.form, f.source_key);
    if v_place.what = 'refused' then
      refused[v_group] := coalesce(refused[v_group], 0) + 1;
      answers[v_group] := coalesce(answers[v_group], '') || lx.pb_refused(f.op, p_taken_reason);
    end if;
    continue when v_place.what <> 'free';
    contents[v_group] := contents[v_group] || v_place.void_content || substring(p_contents[v_group] from f.place * 16 - 15 for 16);
    insert into lx.fact (seq, occurred_at, until_at, quantity, received_at, district, programme, kind, flags, stream, id, subject, of_id, actor, item, form, source_key)
    values (lx.head_add(f.district, f.stream, 1, lx.row_digest(f.id, 1)), f.occurred_at, f.until_at, f.quantity, p_received_at, f.district, f.programme, f.kind,
            p_flags[v_group], f.stream, f.id, f.subject, f.of_id, p_person[v_group], f.item, f.form, f.source_key);
    stored[v_group] := stored[v_group] + 1;
    v_body := p_sub_body[array_position(p_sub_fact, f.no::int4)];
    if v_body is not null then
      insert into lx.submission (district, stream, fact, sha256, body) values (f.district, f.stream, f.id, sha256(v_body), v_body);
    end if;
  end loop;
  update lx.head h set pushed_at = p_received_at, runs = h.runs + c.runs
  from (select p_district[t.grp] as district, t.stream, count(*) filter (where t.stream = p_stream[t.grp]) as runs
        from unnest(p_target_group, p_target_stream, p_base) t (grp, stream, base)
        where t.base >= 0 group by 1, 2) c
  where h.district = c.district and h.stream = c.stream;
end
$$;
revoke all on function lx.push_slow from public;
grant execute on function lx.push_slow to lianxiao_writer;
