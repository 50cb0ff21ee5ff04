-- session_open: see sql/functions/session_open.sql. Called by role lianxiao_api.
-- parameters: $1 token_hash bytea, $2 person uuid, $3 device bytea, $4 idle_s int4, $5 total_s int4
-- result: 0 idle_until timestamptz, 1 until_at timestamptz, 2 scope_version int8
select * from lx.session_open($1::bytea, $2::uuid, $3::bytea, $4::int4, $5::int4)
