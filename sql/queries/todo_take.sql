-- todo_take: see sql/functions/todo_take.sql. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 lane int4, $3 limit int4
-- result: 0 subject uuid, 1 level int4, 2 entries int4, 3 pass int8
select * from lx.todo_take($1::int4, $2::int4, $3::int4)
