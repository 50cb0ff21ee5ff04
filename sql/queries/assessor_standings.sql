-- What is stored about some subjects in one programme and role.
-- $1 district int4, $2 subjects uuid[], $3 programme int4, $4 role int4. Returns subject uuid, contribution bytea. Locks nothing. offset 0: see assessor_facts.
select s.subject, t.contribution
from unnest($2::uuid[]) s (subject)
cross join lateral (
  select t.contribution from lx.standing t
  where t.district = $1::int4 and t.subject = s.subject and t.programme = $3::int4 and t.role = $4::int4 offset 0
) t
