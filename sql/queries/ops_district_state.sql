-- ops_district_state: see sql/functions/ops_district_state.sql. Called by role lianxiao_ops.
-- parameters: none
-- result: 0 district int4, 1 unit_code text, 2 complete_through timestamptz, 3 scheme_version int4, 4 to_rescore int8, 5 todo int8
select * from lx.ops_district_state()
