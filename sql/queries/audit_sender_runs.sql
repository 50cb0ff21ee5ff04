-- audit_sender_runs: all rows of op_run of one stream and device. Called by role lianxiao_auditor.
-- parameters: $1 district int4, $2 stream uuid, $3 device bytea
-- result: all columns of op_run, see server/audit/rows.h
select o.district, o.stream, o.device, o.op_from, o.op_to, o.seq_from, o.scope_version, o.received_at, o.stored, o.refused, o.flags, o.person, o.root, o.hashes,
  o.answer, o.contents, o.changes
from lx.op_run o
where o.district = $1::int4 and o.stream = $2::uuid and o.device = $3::bytea
order by o.op_to
