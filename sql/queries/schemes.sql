-- schemes: the programmes with their current scheme, for workers and assessor. Any role.
-- parameters: none
-- result: 0 number int4, 1 code text, 2 scheme_version int4, 3 scheme bytea
select p.number, p.code, p.scheme_version, s.scheme
from lx.programme p
join lx.scheme s on s.programme = p.number and s.version = p.scheme_version
order by p.number
