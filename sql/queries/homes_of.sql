-- homes_of: in which streams persons of a stream's district live now, or to which other district they were sent from a stream of the sender's, for judging
-- memberships and transfers. Role lianxiao_api, under row level security.
-- parameters: $1 stream uuid, $2 persons uuid[]
-- result: 0 person uuid, 1 stream uuid (null: gone), 2 gone_to uuid, 3 left_at timestamptz
select p.id, p.stream, null::uuid as gone_to, null::timestamptz as left_at
from lx.unit u
join lx.person p on p.district = u.district and p.id = any($2::uuid[])
where u.id = $1::uuid
union all
(select distinct on (l.subject) l.subject, null, l.to_stream, l.left_at
 from lx.unit u
 join lx.left_stream l on l.district = u.district and l.subject = any($2::uuid[])
 join lx.unit t on t.id = l.to_stream and (t.district <> u.district or t.level = 2)
 where u.id = $1::uuid and not exists (select from lx.person p where p.district = u.district and p.id = l.subject)
 order by l.subject, l.left_at desc)
