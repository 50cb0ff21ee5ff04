-- Whose summaries a unit is assessed from: the teachers at home in it (or below it) at a moment, a school's workshops, and the holders of its office.
-- $1 district int4, $2 units uuid[], $3 moments timestamptz[] (beside units), $4 programme int4. Returns unit uuid, what int4 (0 teacher, 1 workshop, 2 holder
-- of the office), subject uuid, contribution bytea (null: not assessed yet). Locks nothing.
with asked as (
  select t.unit, t.moment, u.level
  from unnest($2::uuid[], $3::timestamptz[]) t (unit, moment)
  join lx.unit u on u.id = t.unit
), below as (
  select a.unit, 0 as what, 1 as role, m.person as subject
  from asked a
  join lx.unit w on w.path @> array[a.unit]
  join lx.membership m on m.district = $1::int4 and m.unit = w.id and m.role = 1 and not m.guest and m.programme = $4::int4
   and m.from_at <= a.moment and (m.until_at is null or m.until_at > a.moment)
  union
  select a.unit, 1, 2, w.id
  from asked a
  join lx.unit w on w.path @> array[a.unit] and w.level = 4 and w.closed_at is null
  where a.level = 3
  union
  select a.unit, 2, 1, m.person
  from asked a
  join lx.membership m on m.district = $1::int4 and m.unit = a.unit and m.role = case a.level when 4 then 2 else 3 end and m.programme = $4::int4
   and m.from_at <= a.moment and (m.until_at is null or m.until_at > a.moment)
)
select b.unit, b.what, b.subject, s.contribution
from below b
left join lx.standing s on s.district = $1::int4 and s.subject = b.subject and s.programme = $4::int4 and s.role = b.role
order by b.unit, b.what, b.subject
