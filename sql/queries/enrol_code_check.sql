-- enrol_code_check: see sql/functions/enrol_code_check.sql. Called by role lianxiao_api.
-- parameters: $1 lookup text, $2 hash bytea
-- result: 0 verdict int4, 1 unit uuid, 2 district int4
select * from lx.enrol_code_check($1::text, $2::bytea)
