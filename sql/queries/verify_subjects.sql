-- Subjects of one level in the order of their ids, with the day that their standing is of (else the district's).
-- $1 district int4, $2 programme int4, $3 level int4 (5 person), $4 after uuid, $5 limit int4. Returns id uuid, as_of date. Locks nothing.
select t.id, coalesce(s.as_of, d.day, (clock_timestamp() at time zone 'Asia/Shanghai')::date) as as_of
from (
  select p.id from lx.person p where $3::int4 = 5 and p.district = $1::int4 and p.id > $4::uuid
  union all
  select u.id from lx.unit u where u.level = $3::int4 and u.district = $1::int4 and u.moving_to is null and u.closed_at is null and u.id > $4::uuid
) t
join lx.district_state d on d.district = $1::int4
left join lx.standing s on s.district = $1::int4 and s.subject = t.id and s.programme = $2::int4 and s.role = case $3::int4 when 5 then 1 when 4 then 2 else 3 end
order by t.id
limit $5::int4
