-- unit_move: see sql/functions/unit_move.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 move uuid (id for a new one), $3 unit_code text, $4 to_code text
-- result: 0 verdict int4, 1 move uuid
select * from lx.unit_move($1::text, $2::uuid, $3::text, $4::text)
