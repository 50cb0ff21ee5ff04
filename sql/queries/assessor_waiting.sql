-- How much is left: subjects on todo per lane.
-- $1 district int4. Returns live int8, rescore int8. Locks nothing.
select count(*) filter (where lane = 1) as live, count(distinct subject) filter (where lane > 1) as rescore
from lx.todo
where district = $1::int4
