-- audit_heads: what the heads say, for comparison with the rows; a unit without its head and a head without its unit, too (but for a unit's former one, in the
-- district that it has left). Called by role lianxiao_auditor.
-- result: 0 district int4, 1 stream uuid, 2 head int8, 3 live int8, 4 digest int8, 5 runs int8, 6 paired bool (the unit has its head)
select coalesce(h.district, u.district), coalesce(h.stream, u.id), h.head, h.live, h.digest, h.runs,
       h.stream is not null and (u.id is not null or (h.moving and exists (select from lx.unit m where m.id = h.stream)))
from lx.unit u full join lx.head h on h.district = u.district and h.stream = u.id
order by 1, 2
