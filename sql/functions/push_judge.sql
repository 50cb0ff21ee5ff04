-- Judges every group of a pile: device, operations seen before, scope and capabilities over every target, roster version. Set-based, per group and target, never per record.
-- Takes the arrays of push. Returns per group the verdict, the last operation, flags, facts accepted, seq before its first fact and head when the pile is stored; per target the
-- seq before its first fact (-1: not accepted); and how many facts are accepted in all.
-- Locks nothing: push holds the heads and sets the planner. Writing in good faith: a grant that ended at most 35 days ago (not for cause) carries operations written under an older
-- scope version; facts on a subject that left the group's stream at most 35 days ago follow him.
-- One plan without a common table expression: starting and ending its nodes is most of what a small pile costs. Single rows are looked up by sub-selects, whatever
-- the planner believes of the tables' sizes; the last operation where it is expected, since a scan from the end copies a page of runs first.
create or replace function lx.push_judge(
  p_device bytea[], p_person uuid[], p_district int4[], p_stream uuid[], p_op_from int8[], p_hashes bytea[], p_scope_version int8[],
  p_target_group int4[], p_target_stream uuid[], p_target_needs int4[], p_target_roster int8[], p_target_count int4[],
  p_fact_target int4[], p_subject uuid[],
  out verdicts int4[], out lasts int8[], out flags int4[], out stored int4[], out firsts int8[], out heads int8[], out bases int8[], out facts int8
)
language plpgsql stable
as $$
begin
  select array_agg(b.verdict) filter (where b.own), array_agg(coalesce(b.last, 0)) filter (where b.own),
         array_agg(case when b.verdict = 1 and b.least = 1 then 1 else 0 end) filter (where b.own),
         array_agg(b.stored) filter (where b.own), array_agg(b.base) filter (where b.own), array_agg(b.head_after) filter (where b.own),
         array_agg(b.base order by b.no), coalesce(sum(b.count) filter (where b.verdict = 1), 0)
  into strict verdicts, lasts, flags, stored, firsts, heads, bases, facts
  from (
    select j.no, j.count, j.own, j.verdict, j.last, j.least, j.stored,
           case when j.verdict = 1 then j.head + coalesce(sum(j.count) filter (where j.verdict = 1) over (w rows between unbounded preceding and 1 preceding), 0) else -1 end as base,
           j.head + coalesce(sum(j.count) filter (where j.verdict = 1) over (partition by j.district, j.stream), 0) as head_after
    from (
      select t.*, min(t.allowed) over g as least, (sum(t.count) over g)::int4 as stored,
             case
               when t.good is not true then 8
               when bool_or(t.moving) over g then 9
               when p_op_from[t.grp] <= t.last then lx.op_overlap(t.district, p_stream[t.grp], p_device[t.grp], p_op_from[t.grp], p_hashes[t.grp])
               when min(t.allowed) over g = 0 then 6
               when p_op_from[t.grp] > coalesce(t.last, 0) + 1 then 4
               when bool_or(t.stale) over g then 5
               else 1
             end as verdict
      from (
        select t.no, t.grp, t.stream, t.count, p_district[t.grp] as district, h.head, h.moving, h.roster_version is distinct from t.roster as stale,
               t.stream = p_stream[t.grp] as own,
               (select d.revoked_at is null and d.frozen_at is null from lx.device d where d.device = p_device[t.grp]) as good,
               coalesce((select o.op_to from lx.op_run o
                         where o.district = p_district[t.grp] and o.stream = p_stream[t.grp] and o.device = p_device[t.grp] and o.op_to >= p_op_from[t.grp] - 1
                         order by o.op_to desc limit 1),
                        (select o.op_to from lx.op_run o
                         where o.district = p_district[t.grp] and o.stream = p_stream[t.grp] and o.device = p_device[t.grp]
                         order by o.op_to desc limit 1)) as last,
               case
                 when h.head is null then 0
                 when m.held & t.needs = t.needs then 2
                 when (m.held | m.faith) & t.needs = t.needs then 1
                 when t.stream <> p_stream[t.grp] then
                   lx.push_follows(p_person[t.grp], p_scope_version[t.grp], p_district[t.grp], p_stream[t.grp], t.needs,
                                   t.stream, array(select f.subject from unnest(p_fact_target, p_subject) f (target, subject) where f.target = t.no))
                 else 0
               end as allowed
        from unnest(p_target_group, p_target_stream, p_target_needs, p_target_roster, p_target_count) with ordinality t (grp, stream, needs, roster, count, no)
        left join lx.head h on h.district = p_district[t.grp] and h.stream = t.stream
        cross join lateral (
          select coalesce(bit_or(o.mask) filter (where o.from_at <= now() and (o.ended_at is null or o.ended_at > now())), 0) as held,
                 coalesce(bit_or(o.mask) filter (where o.ended_at <= now() and o.ended_at > now() - interval '35 days' and not o.for_cause
                                                   and p_scope_version[t.grp] < lx.unix_ms(o.ended_at) and p_scope_version[t.grp] >= lx.unix_ms(o.from_at)), 0) as faith
          from lx.grants_over(p_person[t.grp], t.stream) o
        ) m
        offset 0 -- what is looked up is looked up once
      ) t
      window g as (partition by t.grp)
    ) j
    window w as (partition by j.district, j.stream order by j.no)
    order by j.grp
  ) b;
end
$$;
revoke all on function lx.push_judge from public;
grant execute on function lx.push_judge to lianxiao_writer;
