-- code_issue: see sql/functions/code_issue.sql. Called by role lianxiao_api.
-- parameters: $1 by uuid, $2 device bytea, $3 unit_code text, $4 lookup text, $5 hash bytea, $6 hours int4
-- result: 0 verdict int4, 1 until_at timestamptz
select * from lx.code_issue($1::uuid, $2::bytea, $3::text, $4::text, $5::bytea, $6::int4)
