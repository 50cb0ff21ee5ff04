-- push: see sql/functions/push.sql. Called by role lianxiao_api.
-- parameters: $1 device bytea[], $2 person uuid[], $3 district int4[], $4 stream uuid[], $5 op_from int8[], $6 hashes bytea[],
--   $7 scope_version int8[], $8 refused int4[], $9 answer bytea[], $10 target_group int4[], $11 target_stream uuid[], $12 target_needs int4[],
--   $13 target_roster int8[], $14 target_count int4[], $15 target_digest int8[], $16 fact_target int4[], $17 fact_pos int4[], $18 id uuid[],
--   $19 programme int4[], $20 kind int4[], $21 subject uuid[], $22 item text[], $23 occurred_at timestamptz[], $24 until_at timestamptz[],
--   $25 quantity int8[], $26 of uuid[], $27 form text[], $28 source_key bytea[], $29 fact_op int8[], $30 sub_fact int4[], $31 sub_body bytea[],
--   $32 received_at timestamptz, $33 slow bool, $34 taken_reason bytea, $35 contents bytea[]
-- result: 0 group_no int4, 1 verdict int4, 2 op_to int8, 3 head int8, 4 stored int4, 5 flags int4, 6 answer bytea
select * from lx.push($1::bytea[], $2::uuid[], $3::int4[], $4::uuid[], $5::int8[], $6::bytea[], $7::int8[], $8::int4[], $9::bytea[], $10::int4[],
  $11::uuid[], $12::int4[], $13::int8[], $14::int4[], $15::int8[], $16::int4[], $17::int4[], $18::uuid[], $19::int4[], $20::int4[], $21::uuid[],
  $22::text[], $23::timestamptz[], $24::timestamptz[], $25::int8[], $26::uuid[], $27::text[], $28::bytea[], $29::int8[], $30::int4[], $31::bytea[],
  $32::timestamptz, $33::bool, $34::bytea, $35::bytea[])
