-- seal_begin: makes the transaction the one sealer of a district (another one just ends), and reads the newest seal. Called by role lianxiao_assessor.
-- parameters: $1 district int4
-- result: 0 taken bool, 1 number int8 (of the newest seal, 0: none), 2 hash bytea, 3 at timestamptz (the database's clock, not before the newest seal)
select pg_try_advisory_xact_lock(1282949484, $1::int4), coalesce(s.number, 0), s.hash, greatest(clock_timestamp(), s.sealed_at)
from (values (1)) one
left join lateral (select s.number, s.hash, s.sealed_at from lx.seal s where s.district = $1::int4 order by s.number desc limit 1) s on true
