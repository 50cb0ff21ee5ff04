-- session_alive: see sql/functions/session_alive.sql. Called by role lianxiao_api.
-- parameters: $1 token_hashes bytea[]
-- result: 0 token_hash bytea, 1 scope_version int8, 2 must_change bool
select * from lx.session_alive($1::bytea[])
