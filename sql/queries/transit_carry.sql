-- transit_carry: see sql/functions/transit_carry.sql. Called by role lianxiao_assessor.
-- result: 0 done bool
select lx.transit_carry()
