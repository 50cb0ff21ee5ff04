-- grant_revoke: see sql/functions/grant_revoke.sql. Called by role lianxiao_api.
-- parameters: $1 by uuid, $2 device bytea, $3 grant uuid, $4 for_cause bool
-- result: 0 verdict int4
select * from lx.grant_revoke($1::uuid, $2::bytea, $3::uuid, $4::bool)
