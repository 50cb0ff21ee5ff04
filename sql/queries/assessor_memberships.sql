-- Every membership of some people in one programme, with the units above it.
-- $1 district int4, $2 persons uuid[], $3 programme int4. Returns person uuid, role int4, guest bool, from_at timestamptz, until_at timestamptz,
-- district_unit uuid, school uuid, workshop uuid (null: directly at the school). Locks nothing. offset 0: see assessor_facts.
select m.person, m.role, m.guest, m.from_at, m.until_at, u.path[2] as district_unit, u.path[3] as school, u.path[4] as workshop
from unnest($2::uuid[]) p (person)
cross join lateral (
  select m.* from lx.membership m where m.district = $1::int4 and m.person = p.person and m.programme = $3::int4 offset 0
) m
join lx.unit u on u.id = m.unit
order by m.person, m.from_at, m.id
