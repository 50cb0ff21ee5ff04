-- security_events: see sql/functions/security_events.sql. Called by role lianxiao_api.
-- parameters: $1 after int8, $2 limit int4
-- result: 0 no int8, 1 at_ms int8, 2 what text, 3 body text, 4 hash bytea, 5 hash_before bytea
select * from lx.security_events($1::int8, $2::int4)
