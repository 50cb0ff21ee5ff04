-- The units among some subjects, without those that are under way to another district, or closed.
-- $1 district int4, $2 subjects uuid[]. Returns id uuid, level int4, district_unit uuid, school uuid, workshop uuid, attributes bytea. Locks nothing.
select u.id, u.level, u.path[2] as district_unit, u.path[3] as school, u.path[4] as workshop, u.attributes
from lx.unit u
where u.district = $1::int4 and u.moving_to is null and u.closed_at is null and u.id = any($2::uuid[])
