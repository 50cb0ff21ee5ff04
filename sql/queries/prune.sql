-- prune: see sql/functions/prune.sql. Called by role lianxiao_assessor.
-- parameters: $1 days int4 that a tombstone lives
-- result: 0 removed int8
select lx.prune(now() - make_interval(days => $1::int4))
