-- login_result: see sql/functions/login_result.sql. Called by role lianxiao_api.
-- parameters: $1 account text, $2 device bytea, $3 ok bool
-- result: 0 failures int4
select * from lx.login_result($1::text, $2::bytea, $3::bool)
