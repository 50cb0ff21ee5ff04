-- What is stored about some subjects in one programme and role.
-- $1 district int4, $2 subjects uuid[], $3 programme int4, $4 role int4. Returns subject uuid, contribution bytea. Locks nothing.
select s.subject, s.contribution
from lx.standing s
where s.district = $1::int4 and s.subject = any($2::uuid[]) and s.programme = $3::int4 and s.role = $4::int4
