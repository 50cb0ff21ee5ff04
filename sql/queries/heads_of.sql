-- heads_of: newest seq and roster version of streams (the check of every second; subscribe). Streams out of scope are absent. Role lianxiao_api.
-- parameters: $1 streams uuid[]
-- result: 0 stream uuid, 1 district int4, 2 head int8, 3 roster_version int8
select h.stream, h.district, h.head, h.roster_version
from lx.unit u
join lx.head h on h.district = u.district and h.stream = u.id
where u.id = any($1::uuid[])
