-- Every membership of some people in one programme, with the units above it.
-- $1 district int4, $2 persons uuid[], $3 programme int4. Returns person uuid, role int4, guest bool, from_at timestamptz, until_at timestamptz,
-- district_unit uuid, school uuid, workshop uuid (null: directly at the school). Locks nothing.
select m.person, m.role, m.guest, m.from_at, m.until_at, u.path[2] as district_unit, u.path[3] as school, u.path[4] as workshop
from lx.membership m
join lx.unit u on u.id = m.unit
where m.district = $1::int4 and m.person = any($2::uuid[]) and m.programme = $3::int4
order by m.person, m.from_at, m.id
