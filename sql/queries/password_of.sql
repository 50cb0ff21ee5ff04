-- password_of: see sql/functions/password_of.sql. Called by role lianxiao_api.
-- parameters: $1 person uuid, $2 device bytea
-- result: 0 account text, 1 hash text, 2 wait_ms int8
select * from lx.password_of($1::uuid, $2::bytea)
