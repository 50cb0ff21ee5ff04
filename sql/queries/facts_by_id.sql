-- facts_by_id: see sql/functions/facts_by_id.sql. Called by role lianxiao_api.
-- parameters: $1 person uuid, $2 stream uuid, $3 ids uuid[]
-- result: 0 id uuid, 1 district int4, 2 stream uuid, 3 programme int4, 4 kind int4, 5 subject uuid, 6 item text, 7 occurred_at timestamptz,
--   8 quantity int8, 9 of_id uuid, 10 actor uuid, 11 voided bool, 12 submission bytea
select * from lx.facts_by_id($1::uuid, $2::uuid, $3::uuid[])
