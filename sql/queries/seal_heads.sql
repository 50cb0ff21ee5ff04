-- seal_heads: the newest seal of every district (every second). Called by role lianxiao_api.
-- result: 0 district int4, 1 number int8, 2 hash bytea, 3 algorithm int2, 4 sealed_at timestamptz
select district, number, hash, algorithm, sealed_at from lx.seal_heads()
