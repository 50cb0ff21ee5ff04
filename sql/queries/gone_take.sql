-- gone_take: see sql/functions/gone_take.sql. Called by role lianxiao_assessor.
-- parameters: $1 district int4, $2 programme int4
-- result: 0 contribution bytea
select g.contribution from lx.gone_take($1::int4, $2::int4) g
