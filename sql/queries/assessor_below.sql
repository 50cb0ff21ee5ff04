-- Whose summaries a unit is assessed from: the teachers at home in it (or below it) at a moment, a school's workshops, and the holders of its office.
-- $1 district int4, $2 units uuid[] (schools and workshops), $3 moments timestamptz[] (beside units), $4 programme int4. Returns unit uuid, what int4
-- (0 teacher, 1 workshop, 2 holder of the office), subject uuid, contribution bytea (null: not assessed yet). Locks nothing. offset 0: see assessor_facts.
with asked as (
  select t.unit, t.moment, u.level
  from unnest($2::uuid[], $3::timestamptz[]) t (unit, moment)
  join lx.unit u on u.id = t.unit
), places as (
  select a.unit, a.moment, a.unit as place, null::timestamptz as closed_at from asked a
  union all
  select a.unit, a.moment, w.id, w.closed_at
  from asked a
  cross join lateral (select w.id, w.closed_at from lx.unit w where w.parent = a.unit offset 0) w
), below as (
  select p.unit, 0 as what, 1 as role, m.person as subject
  from places p
  cross join lateral (
    select m.person from lx.membership m
    where m.district = $1::int4 and m.unit = p.place and m.role = 1 and not m.guest and m.programme = $4::int4
      and m.from_at <= p.moment and (m.until_at is null or m.until_at > p.moment)
    offset 0
  ) m
  union
  select p.unit, 1, 2, p.place
  from places p
  where p.place <> p.unit and p.closed_at is null
  union
  select a.unit, 2, 1, m.person
  from asked a
  cross join lateral (
    select m.person from lx.membership m
    where m.district = $1::int4 and m.unit = a.unit and m.role = case a.level when 4 then 2 else 3 end and m.programme = $4::int4
      and m.from_at <= a.moment and (m.until_at is null or m.until_at > a.moment)
    offset 0
  ) m
)
select b.unit, b.what, b.subject, s.contribution
from below b
left join lateral (
  select s.contribution from lx.standing s
  where s.district = $1::int4 and s.subject = b.subject and s.programme = $4::int4 and s.role = b.role
  offset 0
) s on true
order by b.unit, b.what, b.subject
