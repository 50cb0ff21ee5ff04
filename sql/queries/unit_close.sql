-- unit_close: see sql/functions/unit_close.sql. Called by role lianxiao_ops.
-- parameters: $1 operator text, $2 unit_code text
-- result: 0 verdict int4
select * from lx.unit_close($1::text, $2::text)
