-- The courses that some schools have chosen (COURSE_RANGE 11 without a VOID 14 of it).
-- $1 district int4, $2 schools uuid[], $3 programme int4. Returns school uuid, item text, occurred_at timestamptz. Locks nothing.
select f.subject as school, f.item, f.occurred_at
from unnest($2::uuid[]) s (school)
join lx.fact f on f.district = $1::int4 and f.stream = s.school and f.subject = s.school
where f.kind = 11 and f.programme = $3::int4
  and not exists (
    select from lx.fact v
    where v.district = f.district and v.stream = f.stream and v.subject = f.subject and v.kind = 14 and v.of_id = f.id)
order by f.subject, f.occurred_at, f.id
