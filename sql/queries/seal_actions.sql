-- seal_actions: rows of audit that no seal covers, in the order of their leaves. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 limit int4
-- result: all columns of audit, see server/audit/rows.h
select a.district, a.id, a.at, a.actor, a.operator, a.device, a.action, a.unit, a.target, a.detail::text, a.seal
from lx.audit a
where a.district = $1::int4 and a.seal is null
order by a.id
limit $2::int4
