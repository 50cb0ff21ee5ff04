-- audit_memberships: a page of memberships. Called by role lianxiao_auditor.
-- parameters: $1 district int4, $2 after uuid, $3 limit int4
-- result: 0 id uuid, 1 version int8, 2 stream uuid, 3 seq int8, 4 person uuid, 5 unit uuid, 6 programme int4, 7 role int4, 8 from_at timestamptz,
--   9 until_at timestamptz, 10 guest bool
select m.id, m.version, m.stream, m.seq, m.person, m.unit, m.programme, m.role, m.from_at, m.until_at, m.guest
from lx.membership m
where m.district = $1::int4 and m.id > $2::uuid
order by m.id
limit $3::int4
