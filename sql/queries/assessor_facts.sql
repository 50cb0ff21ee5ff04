-- The facts about some subjects in one programme, by the streams where the subjects are at home.
-- $1 district int4, $2 subjects uuid[], $3 streams uuid[] (beside subjects), $4 programme int4. Returns subject uuid, id uuid, kind int4, item text, form text,
-- occurred_at timestamptz, until_at timestamptz, quantity int8, of_id uuid, actor uuid. Locks nothing.
-- offset 0: a subject at a time, whatever the planner knows of the tables; a plan that was made while they were empty would read the district for each call.
select s.subject, f.id, f.kind, f.item, f.form, f.occurred_at, f.until_at, f.quantity, f.of_id, f.actor
from (select s.subject, s.stream from unnest($2::uuid[], $3::uuid[]) s (subject, stream) order by s.subject offset 0) s -- sorted before, not the facts after
cross join lateral (
  select f.* from lx.fact f where f.district = $1::int4 and f.stream = s.stream and f.subject = s.subject and f.programme = $4::int4 offset 0
) f
order by s.subject
