-- scheme_load: see sql/functions/scheme_load.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 code text, $3 scheme_version int4, $4 scheme bytea
-- result: 0 verdict int4
select * from lx.scheme_load($1::text, $2::text, $3::int4, $4::bytea)
