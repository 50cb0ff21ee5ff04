-- How many standings a district has in one programme, but for those that closed units have kept.
-- $1 district int4, $2 programme int4. Returns n int8. Locks nothing.
select count(*) as n from lx.standing where district = $1::int4 and programme = $2::int4
  and not exists (select from lx.unit u where u.id = standing.subject and u.closed_at is not null)
