-- audit_runs: rows of op_run by their keys, in the order of the keys; all null where there is no row. Called by role lianxiao_auditor.
-- parameters: $1 district int4, $2 stream uuid[], $3 device bytea[], $4 op_to int8[]
-- result: all columns of op_run, see server/audit/rows.h
select o.district, o.stream, o.device, o.op_from, o.op_to, o.seq_from, o.scope_version, o.received_at, o.stored, o.refused, o.flags, o.person, o.root, o.hashes,
  o.answer, o.contents, o.changes
from unnest($2::uuid[], $3::bytea[], $4::int8[]) with ordinality k (stream, device, op_to, no)
left join lx.op_run o on o.district = $1::int4 and o.stream = k.stream and o.device = k.device and o.op_to = k.op_to
order by k.no
