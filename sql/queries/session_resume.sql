-- session_resume: see sql/functions/session_resume.sql. Called by role lianxiao_api.
-- parameters: $1 token_hash bytea, $2 device bytea
-- result: 0 person uuid, 1 account text, 2 name text, 3 must_change bool, 4 scope_version int8, 5 idle_until timestamptz, 6 until_at timestamptz
select * from lx.session_resume($1::bytea, $2::bytea)
