-- The courses that some schools have chosen (COURSE_RANGE 11 without a VOID 14 of it). A school may lie in another district: somebody's former one, before a
-- transfer.
-- $1 schools uuid[], $2 programme int4. Returns school uuid, item text, occurred_at timestamptz. Locks nothing. offset 0: see assessor_facts.
-- The array comes from a select, so that its length tells the planner nothing: it is short, which made a plan of its own look cheaper than the kept one, each time.
select s.school, f.item, f.occurred_at
from unnest((select $1::uuid[])) s (school)
cross join lateral (select u.district from lx.unit u where u.id = s.school offset 0) u
cross join lateral (
  select f.* from lx.fact f where f.district = u.district and f.stream = s.school and f.subject = s.school and f.kind = 11 and f.programme = $2::int4 offset 0
) f
where not exists (
  select from lx.fact v
  where v.district = f.district and v.stream = f.stream and v.subject = f.subject and v.kind = 14 and v.of_id = f.id
  offset 0)
order by s.school, f.occurred_at, f.id
