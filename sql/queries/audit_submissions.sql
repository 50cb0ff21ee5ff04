-- audit_submissions: how many submissions there are. Called by role lianxiao_auditor.
-- parameters: $1 district int4
-- result: 0 n int8
select count(*) from lx.submission s where s.district = $1::int4
