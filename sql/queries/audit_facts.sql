-- audit_facts: a page of the ledger with what submissions there are. Called by role lianxiao_auditor.
-- parameters: $1 district int4, $2 after uuid, $3 limit int4
-- result: 0 id uuid, 1 stream uuid, 2 seq int8, 3 subject uuid, 4 programme int2, 5 kind int2, 6 occurred_at timestamptz, 7 until_at timestamptz,
--   8 quantity int8, 9 of uuid, 10 item text, 11 form text, 12 source_key bytea, 13 actor uuid, 14 received_at timestamptz, 15 flags int2,
--   16 submission_sha256 bytea, 17 submission_body bytea, 18 erased_at timestamptz, 19 submission_stream uuid
select f.id, f.stream, f.seq, f.subject, f.programme, f.kind, f.occurred_at, f.until_at, f.quantity, f.of_id, f.item, f.form, f.source_key, f.actor,
  f.received_at, f.flags, s.sha256, s.body, s.erased_at, s.stream
from lx.fact f left join lx.submission s on s.district = f.district and s.fact = f.id
where f.district = $1::int4 and f.id > $2::uuid
order by f.id
limit $3::int4
