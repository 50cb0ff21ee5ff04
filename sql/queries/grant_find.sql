-- grant_find: see sql/functions/grant_find.sql. Called by role lianxiao_api.
-- parameters: $1 grant uuid
-- result: 0 role int4, 1 unit uuid
select * from lx.grant_find($1::uuid)
