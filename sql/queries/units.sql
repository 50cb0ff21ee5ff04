-- units: all units that changed after a seq of the city's stream (0: all), for the workers' cache. Any role.
-- parameters: $1 after int8
-- result: 0 id uuid, 1 parent uuid, 2 level int4, 3 code text, 4 name text, 5 district int4, 6 printed_size int4, 7 attributes bytea (packed Unit), 8 seq int8, 9 version int8
select u.id, u.parent, u.level, u.code, u.name, u.district, u.printed_size, u.attributes, u.seq, u.version
from lx.unit u
where u.seq > $1::int8
order by u.seq
