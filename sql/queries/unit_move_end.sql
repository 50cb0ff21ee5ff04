-- unit_move_end: see sql/functions/unit_move_end.sql. Called by role lianxiao_ops.
-- parameters: $1 move uuid
-- result: 0 verdict int4
select * from lx.unit_move_end($1::uuid)
