-- audit_people: a page of people, with the home that their memberships give (home_of) and whether they have ever had another. Called by role lianxiao_auditor.
-- parameters: $1 district int4, $2 after uuid, $3 limit int4
-- result: 0 id uuid, 1 version int8, 2 stream uuid, 3 seq int8, 4 birth_year int4, 5 certificate bool, 6 in_post bool, 7 established bool, 8 full_time bool,
--   9 name text, 10 teacher_no text, 11 account text, 12 title text, 13 home uuid, 14 settled bool
select p.id, p.version, p.stream, p.seq, p.birth_year, p.certificate, p.in_post, p.established, p.full_time, p.name, p.teacher_no, p.account, p.title,
  (select m.unit from lx.membership m join lx.unit u on u.id = m.unit and u.district = m.district
   where m.district = p.district and m.person = p.id and not m.guest
   order by m.programme desc, (m.role = 1) desc, m.from_at desc, (m.unit = p.stream) desc limit 1),
  (select coalesce(max(m.version), 0) <= 1 and count(*) filter (where not m.guest) <= 1 from lx.membership m where m.district = p.district and m.person = p.id)
from lx.person p
where p.district = $1::int4 and p.id > $2::uuid
order by p.id
limit $3::int4
