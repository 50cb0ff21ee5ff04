-- How much is left on todo.
-- $1 district int4, $2 subjects of the rescore lane that this round has done int4. Returns rescore int8, waiting int8 (the oldest pass that
-- somebody in the live lane waits for; null: nobody).
-- Locks nothing. Many are not counted again in every round, which would make a rescore's cost grow with its square: they are those of the round before less
-- what was done; the last few thousand are counted.
select case when s.to_rescore - $2::int4 > 2000 then s.to_rescore - $2::int4
            else (select count(distinct t.subject) from lx.todo t where t.district = $1::int4 and t.lane > 1) end as rescore,
       (select min(t.pass) from lx.todo t where t.district = $1::int4 and t.lane = 1) as waiting
from lx.district_state s
where s.district = $1::int4
