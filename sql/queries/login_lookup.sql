-- login_lookup: see sql/functions/login_lookup.sql. Called by role lianxiao_api.
-- parameters: $1 account text, $2 device bytea
-- result: 0 person uuid, 1 name text, 2 hash text, 3 must_change bool, 4 wait_ms int8
select * from lx.login_lookup($1::text, $2::bytea)
