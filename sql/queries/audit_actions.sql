-- audit_actions: rows of audit by their ids, in the order of the ids; all null where there is no row. Called by role lianxiao_auditor.
-- parameters: $1 district int4, $2 id uuid[]
-- result: all columns of audit, see server/audit/rows.h
select a.district, a.id, a.at, a.actor, a.operator, a.device, a.action, a.unit, a.target, a.detail::text, a.seal
from unnest($2::uuid[]) with ordinality k (id, no)
left join lx.audit a on a.district = $1::int4 and a.id = k.id
order by k.no
