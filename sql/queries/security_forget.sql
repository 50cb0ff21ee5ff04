-- security_forget: see sql/functions/security_forget.sql. Called by role lianxiao_assessor where no security journal is kept.
-- parameters: none
-- result: 0 forgotten int8
select lx.security_forget(null)
