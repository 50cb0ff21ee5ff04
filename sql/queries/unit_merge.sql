-- unit_merge: see sql/functions/unit_merge.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 merge uuid (an id for it), $3 unit_code text, $4 into_code text
-- result: 0 verdict int4
select * from lx.unit_merge($1::text, $2::uuid, $3::text, $4::text)
