-- ops_status: see sql/functions/ops_status.sql. Called by role lianxiao_ops.
-- parameters: none
-- result: 0 name text, 1 value int8
select * from lx.ops_status()
