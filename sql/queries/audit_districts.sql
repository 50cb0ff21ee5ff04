-- audit_districts: every district that a row of the audit names. Called by role lianxiao_auditor.
-- result: 0 district int4
select d.district from lx.district_state d
union select s.district from lx.seal s
union select o.district from lx.op_run o
union select a.district from lx.audit a
union select h.district from lx.head h
order by 1
