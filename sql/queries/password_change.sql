-- password_change: see sql/functions/password_change.sql. Called by role lianxiao_api.
-- parameters: $1 person uuid, $2 hash text, $3 keep bytea
-- result: 0 done bool
select * from lx.password_change($1::uuid, $2::text, $3::bytea)
