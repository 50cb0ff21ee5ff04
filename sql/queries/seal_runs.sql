-- seal_runs: rows of op_run that no seal covers, in the order of their leaves. A push adds one to head.runs in the transaction that writes the row, under the
-- head's lock, and numbers of operations grow per stream and device in the same order: nothing that commits late is passed over. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 limit int4
-- result: all columns of op_run, see server/audit/rows.h
with recursive sealed as (
  select c.stream, sum(c.runs) as runs from lx.seal_cursor c where c.district = $1::int4 group by c.stream
),
behind as materialized (
  select h.stream
  from lx.head h left join sealed s on s.stream = h.stream
  where h.district = $1::int4 and h.runs > coalesce(s.runs, 0)
),
sender as (
  select b.stream, (select o.device from lx.op_run o where o.district = $1::int4 and o.stream = b.stream order by o.device limit 1) as device
  from behind b
  union all
  select s.stream, (select o.device from lx.op_run o where o.district = $1::int4 and o.stream = s.stream and o.device > s.device order by o.device limit 1)
  from sender s where s.device is not null
)
select o.district, o.stream, o.device, o.op_from, o.op_to, o.seq_from, o.scope_version, o.received_at, o.stored, o.refused, o.flags, o.person, o.root, o.hashes,
  o.answer, o.contents, o.changes
from sender s
cross join lateral (
  select coalesce(max(c.op_to), 0) as op_to from lx.seal_cursor c where c.district = $1::int4 and c.stream = s.stream and c.device = s.device
) c
cross join lateral (
  -- A sender at a time, and of his runs only what is new, whatever the planner knows.
  select r.* from lx.op_run r where r.district = $1::int4 and r.stream = s.stream and r.device = s.device and r.op_to > c.op_to order by r.op_to limit $2::int4
) o
where s.device is not null
order by o.stream, o.device, o.op_to
limit $2::int4
