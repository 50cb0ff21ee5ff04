-- audit_action_list: a page of a district's rows of audit. Called by role lianxiao_auditor.
-- parameters: $1 district int4, $2 after uuid, $3 limit int4
-- result: all columns of audit, see server/audit/rows.h
select a.district, a.id, a.at, a.actor, a.operator, a.device, a.action, a.unit, a.target, a.detail::text, a.seal
from lx.audit a
where a.district = $1::int4 and a.id > $2::uuid
order by a.id
limit $3::int4
