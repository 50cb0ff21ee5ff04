-- When the turn on todo is of a subject of a stream where so many have something new: a crowd, more than five, comes behind the few, whose record would else wait
-- until all of the crowd are scored. Three seconds behind, so nobody waits for ever; crowds, and units, which come behind people, keep their order among each other.
-- Takes how many; null: a crowd. Returns the time that todo is ordered by. Locks nothing. In language sql, so it becomes a part of the statement that asks.
create or replace function lx.todo_turn(p_crowd int8) returns timestamptz
language sql stable
return statement_timestamp() + case when p_crowd <= 5 then interval '0' else interval '3 seconds' end;
revoke all on function lx.todo_turn from public;
grant execute on function lx.todo_turn to lianxiao_assessor;
