-- programme_start: see sql/functions/programme_start.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 id uuid, $3 number int4, $4 code text, $5 scheme_version int4, $6 scheme bytea
-- result: 0 verdict int4
select * from lx.programme_start($1::text, $2::uuid, $3::int4, $4::text, $5::int4, $6::bytea)
