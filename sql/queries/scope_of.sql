-- scope_of: see sql/functions/scope_of.sql. Called by role lianxiao_api.
-- parameters: $1 person uuid
-- result: 0 row_kind int4, 1 scope_version int8, 2 id uuid, 3 role int4, 4 unit uuid, 5 level int4, 6 district int4, 7 from_at timestamptz,
--   8 until_at timestamptz
select * from lx.scope_of($1::uuid)
