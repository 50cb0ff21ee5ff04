-- seal_put: writes one seal, moves the cursors of the runs that it covers and marks its actions. Called by role lianxiao_assessor, in the transaction of seal_begin.
-- parameters: $1 district int4, $2 number int8, $3 sealed_at int8 (microseconds since 1970), $4 runs int4, $5 actions int4, $6 algorithm int4, $7 previous bytea,
--   $8 root bytea, $9 hash bytea, $10 key bytea, $11 signature bytea, $12 entries bytea, $13 stream uuid[], $14 device bytea[], $15 op_to int8[],
--   $16 count int8[] (the last operation and the number of runs sealed, per stream and device), $17 action uuid[]
with put as (
  insert into lx.seal (district, number, sealed_at, runs, actions, algorithm, previous, root, hash, key, signature, entries)
  values ($1::int4, $2::int8, timestamptz 'epoch' + $3::int8 * interval '1 microsecond', $4::int4, $5::int4, $6::int4, $7::bytea, $8::bytea, $9::bytea, $10::bytea,
          $11::bytea, $12::bytea)
),
moved as (
  insert into lx.seal_cursor as c (district, stream, device, op_to, runs)
  select $1::int4, r.stream, r.device, r.op_to, r.runs
  from unnest($13::uuid[], $14::bytea[], $15::int8[], $16::int8[]) r (stream, device, op_to, runs)
  on conflict (district, stream, device) do update set op_to = excluded.op_to, runs = c.runs + excluded.runs
)
update lx.audit a set seal = $2::int8 where a.district = $1::int4 and a.id = any($17::uuid[])
