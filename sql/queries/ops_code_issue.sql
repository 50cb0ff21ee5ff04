-- ops_code_issue: see sql/functions/ops_code_issue.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 unit_code text, $3 lookup text, $4 hash bytea, $5 hours int4
-- result: 0 verdict int4, 1 until_at timestamptz
select * from lx.ops_code_issue($1::text, $2::text, $3::text, $4::bytea, $5::int4)
