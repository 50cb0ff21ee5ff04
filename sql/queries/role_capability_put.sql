-- role_capability_put: see sql/functions/role_capability_put.sql. Called by role lianxiao_owner.
-- parameters: $1 role int4[], $2 mask int4[], $3 level int4[]
-- result: one row, one column without meaning
select * from lx.role_capability_put($1::int4[], $2::int4[], $3::int4[])
