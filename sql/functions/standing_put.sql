-- Stores new standings as rows of their subjects' streams.
-- Takes district, day and the columns of lx.standing. Returns a verdict per row: 1 put, 2 same as stored (only the contribution is written), 3 the subject's rows
-- are in another stream now. Locks the heads of the streams in ascending order.
create or replace function lx.standing_put(
  p_district int4, p_as_of text, p_id uuid[], p_stream uuid[], p_subject uuid[], p_programme int4[], p_role int4[], p_state int4[], p_points int8[],
  p_total int8[], p_scheme_version int4[], p_receipt bytea[], p_contribution bytea[]
) returns table (row_no int4, verdict int4)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_verdicts int4[];
begin
  -- Each is looked up: joined in any other way, all heads of the district would be read when this was planned while there were few.
  perform 1
  from (select distinct g.stream from unnest(p_stream) g (stream) order by g.stream) g
  cross join lateral (select from lx.head h where h.district = p_district and h.stream = g.stream for no key update) h;

  with given as materialized (
    select * from unnest(p_id, p_stream, p_subject, p_programme, p_role, p_state, p_points, p_total, p_scheme_version, p_receipt, p_contribution) with ordinality
      g (id, stream, subject, programme, role, state, points, total, scheme_version, receipt, contribution, no)
  ),
  judged as materialized (
    select g.*, coalesce(s.id, g.id) as record, coalesce(s.version, 0) as old_version, h.head,
           case
             when coalesce(p.stream, u.id) is distinct from g.stream or (s.stream <> g.stream) then 3
             when (s.state, s.points, s.total, s.scheme_version, s.receipt)
                  is not distinct from (g.state, g.points, g.total, g.scheme_version, g.receipt) then 2
             else 1
           end as verdict
    from given g
    left join lateral (select p.stream from lx.person p where p.district = p_district and p.id = g.subject offset 0) p on true
    left join lateral (
      select u.id from lx.unit u where u.id = g.subject and u.district = p_district and u.moving_to is null and u.closed_at is null offset 0
    ) u on true
    left join lateral (select h.head from lx.head h where h.district = p_district and h.stream = g.stream offset 0) h on true
    left join lateral (
      select s.* from lx.standing s where s.district = p_district and s.subject = g.subject and s.programme = g.programme and s.role = g.role offset 0
    ) s on true -- a row at a time, whatever the planner knows
  ),
  numbered as (
    select j.*, j.head + row_number() over (partition by j.stream order by j.no) as seq from judged j where j.verdict = 1
  ),
  put as (
    insert into lx.standing as s (district, stream, seq, version, id, subject, programme, role, state, scheme_version, as_of, points, total, receipt, contribution)
    select p_district, n.stream, n.seq, n.old_version + 1, n.record, n.subject, n.programme, n.role, n.state, n.scheme_version, p_as_of::date, n.points, n.total,
           n.receipt, n.contribution
    from numbered n
    on conflict (district, subject, programme, role) do update
    set seq = excluded.seq, version = excluded.version, state = excluded.state, scheme_version = excluded.scheme_version, as_of = excluded.as_of,
        points = excluded.points, total = excluded.total, receipt = excluded.receipt, contribution = excluded.contribution
  ),
  kept as (
    update lx.standing s set contribution = j.contribution
    from judged j
    where j.verdict = 2 and s.district = p_district and s.subject = j.subject and s.programme = j.programme and s.role = j.role
      and s.contribution is distinct from j.contribution
  ),
  headed as (
    update lx.head h set head = h.head + c.n, live = h.live + c.added, digest = h.digest # c.digest
    from (select n.stream, count(*) as n, count(*) filter (where n.old_version = 0) as added,
                 bit_xor(lx.row_digest(n.record, n.old_version + 1)
                         # case when n.old_version = 0 then 0 else lx.row_digest(n.record, n.old_version) end) as digest
          from numbered n group by n.stream) c
    where h.district = p_district and h.stream = c.stream
  )
  select array_agg(j.verdict order by j.no) into v_verdicts from judged j;
  return query select v.no::int4, v.verdict from unnest(v_verdicts) with ordinality v (verdict, no) order by v.no;
end
$$;
revoke all on function lx.standing_put from public;
grant execute on function lx.standing_put to lianxiao_assessor;
