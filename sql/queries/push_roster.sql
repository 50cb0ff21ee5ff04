-- push_roster: see sql/functions/push_roster.sql. Called by role lianxiao_api.
-- parameters: $1 device bytea, $2 person uuid, $3 district int4, $4 stream uuid, $5 op_from int8, $6 hashes bytea, $7 scope_version int8,
--   $8 refused int4, $9 answer bytea, $10 received_at timestamptz, $11 reasons bytea[], $12 op int8[], $13 what int4[], $14 id uuid[],
--   $15 seen int8[], $16 name text[], $17 teacher_no text[], $18 account text[], $19 certificate bool[], $20 in_post bool[], $21 established bool[],
--   $22 full_time bool[], $23 birth_year int4[], $24 title text[], $25 member uuid[], $26 programme int4[], $27 unit uuid[], $28 role int4[],
--   $29 from_at timestamptz[], $30 until_at timestamptz[], $31 guest bool[], $32 join uuid[], $33 slow bool
-- result: 0 row_no int4, 1 verdict int4, 2 version int8, 3 op_to int8, 4 head int8, 5 flags int4, 6 answer bytea
select * from lx.push_roster($1::bytea, $2::uuid, $3::int4, $4::uuid, $5::int8, $6::bytea, $7::int8, $8::int4, $9::bytea, $10::timestamptz,
  $11::bytea[], $12::int8[], $13::int4[], $14::uuid[], $15::int8[], $16::text[], $17::text[], $18::text[], $19::bool[], $20::bool[], $21::bool[],
  $22::bool[], $23::int4[], $24::text[], $25::uuid[], $26::int4[], $27::uuid[], $28::int4[], $29::timestamptz[], $30::timestamptz[], $31::bool[], $32::uuid[], $33::bool)
