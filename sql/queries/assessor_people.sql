-- The people among some subjects.
-- $1 district int4, $2 subjects uuid[]. Returns id uuid, stream uuid, certificate bool, in_post bool, established bool. Locks nothing. offset 0: see assessor_facts.
select p.id, p.stream, p.certificate, p.in_post, p.established
from unnest($2::uuid[]) s (subject)
cross join lateral (select p.* from lx.person p where p.district = $1::int4 and p.id = s.subject offset 0) p
