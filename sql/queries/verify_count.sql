-- How many standings a district has in one programme.
-- $1 district int4, $2 programme int4. Returns n int8. Locks nothing.
select count(*) as n from lx.standing where district = $1::int4 and programme = $2::int4
