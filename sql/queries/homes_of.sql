-- homes_of: in which streams persons of a stream's district live now, for judging memberships. Role lianxiao_api, under row level security.
-- parameters: $1 stream uuid, $2 persons uuid[]
-- result: 0 person uuid, 1 stream uuid
select p.id, p.stream
from lx.unit u
join lx.person p on p.district = u.district and p.id = any($2::uuid[])
where u.id = $1::uuid
