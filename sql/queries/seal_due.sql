-- seal_due: districts that have rows of op_run or audit that no seal covers. Called by role lianxiao_assessor.
-- result: 0 district int4
with sealed as (
  select c.district, c.stream, sum(c.runs) as runs from lx.seal_cursor c group by c.district, c.stream
)
select h.district
from lx.head h left join sealed s on s.district = h.district and s.stream = h.stream
where h.runs > coalesce(s.runs, 0)
union
select a.district from lx.audit a where a.seal is null
order by 1
