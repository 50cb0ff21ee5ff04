-- todo_put: see sql/functions/todo_put.sql. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 subject uuid[], $3 level int4[], $4 lane int4, $5 pass int8
-- result: one row, one column without meaning
select * from lx.todo_put($1::int4, $2::uuid[], $3::int4[], $4::int4, $5::int8)
