-- ops_unit_sync: see sql/functions/ops_unit_sync.sql. Called by role lianxiao_ops.
-- parameters: none
-- result: 0 unit_code text, 1 level int4, 2 head int8, 3 live int8, 4 pushed_at timestamptz, 5 devices int8
select * from lx.ops_unit_sync()
