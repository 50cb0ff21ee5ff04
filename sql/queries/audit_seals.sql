-- audit_seals: a page of a district's chain. Called by role lianxiao_auditor.
-- parameters: $1 district int4, $2 after int8 (number), $3 limit int4
-- result: 0 number int8, 1 sealed_at timestamptz, 2 runs int4, 3 actions int4, 4 algorithm int2, 5 previous bytea, 6 root bytea, 7 hash bytea, 8 key bytea,
--   9 signature bytea, 10 entries bytea
select s.number, s.sealed_at, s.runs, s.actions, s.algorithm, s.previous, s.root, s.hash, s.key, s.signature, s.entries
from lx.seal s
where s.district = $1::int4 and s.number > $2::int8
order by s.number
limit $3::int4
