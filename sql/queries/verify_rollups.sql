-- The roll-ups of a district in one programme that are not all zero.
-- $1 district int4, $2 programme int4. Returns unit uuid, role int4, item text and the 14 columns in the order of rollup_apply. Locks nothing.
select unit, role, item, subjects, open, passed, failed, exempt, points, started, done, late, missed, online_hours, school_hours, credits, obliged
from lx.rollup
where district = $1::int4 and programme = $2::int4
  and (subjects, open, passed, failed, exempt, points, started, done, late, missed, online_hours, school_hours, credits, obliged)
      is distinct from (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
