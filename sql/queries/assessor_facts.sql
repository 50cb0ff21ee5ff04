-- The facts about some subjects in one programme, by the streams where the subjects are at home.
-- $1 district int4, $2 subjects uuid[], $3 streams uuid[] (beside subjects), $4 programme int4. Returns subject uuid, id uuid, kind int4, item text, form text,
-- occurred_at timestamptz, until_at timestamptz, quantity int8, of_id uuid, actor uuid. Locks nothing.
select f.subject, f.id, f.kind, f.item, f.form, f.occurred_at, f.until_at, f.quantity, f.of_id, f.actor
from unnest($2::uuid[], $3::uuid[]) s (subject, stream)
join lx.fact f on f.district = $1::int4 and f.stream = s.stream and f.subject = s.subject
where f.programme = $4::int4
order by f.subject
