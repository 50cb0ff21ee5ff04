-- What is stored for some subjects in one programme and role.
-- $1 district int4, $2 subjects uuid[], $3 programme int4, $4 role int4. Returns subject uuid, stream uuid, state int4, points int8, total int8,
-- scheme_version int4, receipt bytea, contribution bytea. Locks nothing.
select s.subject, s.stream, s.state, s.points, s.total, s.scheme_version, s.receipt, s.contribution
from lx.standing s
where s.district = $1::int4 and s.subject = any($2::uuid[]) and s.programme = $3::int4 and s.role = $4::int4
