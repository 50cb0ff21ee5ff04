-- todo_subtree: see sql/functions/todo_subtree.sql. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 unit uuid, $3 lane int4
-- result: 0 subjects int8
select * from lx.todo_subtree($1::int4, $2::uuid, $3::int4)
