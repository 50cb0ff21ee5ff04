-- session_close: see sql/functions/session_close.sql. Called by role lianxiao_api.
-- parameters: $1 token_hash bytea
-- result: 0 closed bool
select * from lx.session_close($1::bytea)
