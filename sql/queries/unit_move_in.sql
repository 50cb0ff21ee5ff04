-- unit_move_in: see sql/functions/unit_move_in.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 move uuid, $3 back bool
-- result: 0 verdict int4, 1 what text, 2 id uuid
select * from lx.unit_move_in($1::text, $2::uuid, $3::bool)
