-- Judges every group of a pile: device, operations seen before, scope and capabilities over every target, roster version. Set-based, per group and target, never per record.
-- Takes the arrays of push. Returns one row: verdict, last operation and flags per group, and per target the seq before its first fact (-1: not accepted).
-- Locks nothing: push holds the heads and sets the planner. Writing in good faith: a grant that ended at most 35 days ago (not for cause) carries operations written under an older
-- scope version; facts on a subject that left the group's stream at most 35 days ago follow him.
create or replace function lx.push_judge(
  p_device bytea[], p_person uuid[], p_district int4[], p_stream uuid[], p_op_from int8[], p_hashes bytea[], p_scope_version int8[],
  p_target_group int4[], p_target_stream uuid[], p_target_needs int4[], p_target_roster int8[], p_target_count int4[],
  p_fact_target int4[], p_subject uuid[],
  out verdicts int4[], out lasts int8[], out flags int4[], out bases int8[]
)
language plpgsql stable
as $$
begin
  with target as materialized (
    select t.no, t.grp, t.stream, t.count, h.head, h.moving, h.roster_version is distinct from t.roster as stale,
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
  ),
  grouped as materialized (
    select grp, min(allowed) as allowed, bool_or(stale) as stale, bool_or(moving) as moving from target group by grp
  ),
  judged as materialized (
    select g.no, coalesce(r.op_to, 0) as last, t.allowed,
           case
             when d.device is null or d.revoked_at is not null or d.frozen_at is not null then 8
             when t.moving then 9
             when g.op_from <= r.op_to then lx.op_overlap(g.district, g.stream, g.device, g.op_from, g.hashes)
             when coalesce(t.allowed, 0) = 0 then 6
             when g.op_from > coalesce(r.op_to, 0) + 1 then 4
             when t.stale then 5
             else 1
           end as verdict
    from unnest(p_device, p_district, p_stream, p_op_from, p_hashes) with ordinality g (device, district, stream, op_from, hashes, no)
    left join lx.device d on d.device = g.device
    left join grouped t on t.grp = g.no
    left join lateral (select o.op_to from lx.op_run o where o.district = g.district and o.stream = g.stream and o.device = g.device
                       order by o.op_to desc limit 1) r on true
  ),
  based as (
    select t.no, case when j.verdict = 1 then
                   t.head + coalesce(sum(t.count) filter (where j.verdict = 1)
                                     over (partition by p_district[t.grp], t.stream order by t.no rows between unbounded preceding and 1 preceding), 0)
                 else -1 end as base
    from target t join judged j on j.no = t.grp
  )
  select (select array_agg(j.verdict order by j.no) from judged j),
         (select array_agg(j.last order by j.no) from judged j),
         (select array_agg(case when j.verdict = 1 and j.allowed = 1 then 1 else 0 end order by j.no) from judged j),
         (select array_agg(b.base order by b.no) from based b)
  into strict verdicts, lasts, flags, bases;
end
$$;
revoke all on function lx.push_judge from public;
grant execute on function lx.push_judge to lianxiao_writer;
