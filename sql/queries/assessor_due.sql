-- Districts with something to do for the assessor: streams behind their heads, subjects on todo, a new day, or a watermark older than a quarter of a second.
-- Returns district int4. Locks nothing.
select d.district
from lx.district_state d
where d.day is distinct from (clock_timestamp() at time zone 'Asia/Shanghai')::date
   or d.complete_through is null
   or d.complete_through < clock_timestamp() - interval '250 milliseconds'
   or exists (select from lx.todo t where t.district = d.district)
   or exists (
     select from lx.head h left join lx.stream_cursor c on c.district = h.district and c.stream = h.stream
     where h.district = d.district and h.head > coalesce(c.seq, 0))
order by d.district
