-- unit_moves: see sql/functions/unit_moves.sql. Called by role lianxiao_ops.
-- result: 0 move uuid, 1 unit_code text, 2 from_code text, 3 to_code text, 4 left_at timestamptz, 5 people int8, 6 arrived bool
select * from lx.unit_moves()
