-- pull: the newest state of the rows of one stream above a cursor, in order of seq. Role lianxiao_api, under row level security.
-- The head row comes first: a stream that is not visible or not ahead of the cursor costs one index look-up and is not walked.
-- parameters: $1 district int4, $2 stream uuid, $3 cursor int8, $4 limit int4
-- result: no row when the stream is unknown or forbidden; one row with kind null when there is nothing above the cursor; else the rows:
--   0 head int8, 1 live int8, 2 digest int8                                  of the stream, in every row
--   3 kind int4: 1 fact, 2 person, 3 membership, 4 unit, 5 programme, 6 standing, 7 left (subject's rows left: drop them)
--   4 seq int8, 5 id uuid, 6 version int8, 7 subject uuid (whose rows move together; of a unit or programme its own id)
--   8 programme int4 (fact, membership, standing, programme: number)
--   9 number int4: fact kind | role of a membership or standing | level of a unit
--  10 of_id uuid: fact: of | membership: unit | unit: parent
--  11 at_from timestamptz: fact: occurred_at | membership: from, 12 at_until timestamptz: fact, membership
--  13 quantity int8: fact: quantity | standing: points, 14 total int8: standing
--  15 code text: fact: item | person: teacher_no | unit, programme: code | standing: as_of (YYYY-MM-DD)
--  16 form text: fact: form | person: account
--  17 source_key bytea: fact, 18 actor uuid: fact, 19 received_at timestamptz: fact
--  20 name text: person, unit, 21 title text: person
--  22 state int4: standing | unit: district | person: birth_year, 23 count int4: standing, programme: scheme_version | unit: printed_size
--  24 certificate bool, 25 in_post bool, 26 established bool, 27 full_time bool: person, 28 guest bool: membership
--  29 body bytea, packed: fact: Submission | unit: Unit with attributes only | programme: Scheme | standing: Receipt
select h.head, h.live, h.digest, r.*
from (select head, live, digest from lx.head where district = $1::int4 and stream = $2::uuid) h
left join lateral (
  select * from (
    (select 1 as kind, f.seq, f.id, 1::int8 as version, f.subject, f.programme::int4 as programme, f.kind::int4 as number, f.of_id, f.occurred_at as at_from,
            f.until_at as at_until, f.quantity, null::int8 as total, f.item as code, f.form, f.source_key, f.actor, f.received_at, null::text as name,
            null::text as title, null::int4 as state, null::int4 as count, null::bool as certificate, null::bool as in_post, null::bool as established,
            null::bool as full_time, null::bool as guest, s.body
     from (select * from lx.fact where district = $1::int4 and stream = $2::uuid and seq > $3::int8 order by seq limit $4::int4) f
     left join lx.submission s on f.kind = 6 and s.district = $1::int4 and s.fact = f.id)
    union all
    (select 2, p.seq, p.id, p.version, p.id, null, null, null, null, null, null, null, p.teacher_no, p.account, null, null, null, p.name, p.title, p.birth_year,
            null, p.certificate, p.in_post, p.established, p.full_time, null, null
     from lx.person p where p.district = $1::int4 and p.stream = $2::uuid and p.seq > $3::int8 order by p.seq limit $4::int4)
    union all
    (select 3, m.seq, m.id, m.version, m.person, m.programme, m.role, m.unit, m.from_at, m.until_at, null, null, null, null, null, null, null, null, null, null,
            null, null, null, null, null, m.guest, null
     from lx.membership m where m.district = $1::int4 and m.stream = $2::uuid and m.seq > $3::int8 order by m.seq limit $4::int4)
    union all
    (select 4, u.seq, u.id, u.version, u.id, null, u.level, u.parent, null, null, null, null, u.code, null, null, null, null, u.name, null, u.district,
            u.printed_size, null, null, null, null, null, u.attributes
     from lx.unit u where $1::int4 = 0 and u.seq > $3::int8 order by u.seq limit $4::int4)
    union all
    (select 5, g.seq, g.id, g.version, g.id, g.number, null, null, null, null, null, null, g.code, null, null, null, null, null, null, null, g.scheme_version,
            null, null, null, null, null, c.scheme
     from lx.programme g join lx.scheme c on c.programme = g.number and c.version = g.scheme_version
     where $1::int4 = 0 and g.seq > $3::int8 order by g.seq limit $4::int4)
    union all
    (select 6, t.seq, t.id, t.version, t.subject, t.programme, t.role, null, null, null, t.points, t.total, t.as_of::text, null, null, null, null, null, null,
            t.state, t.scheme_version, null, null, null, null, null, t.receipt
     from lx.standing t where t.district = $1::int4 and t.stream = $2::uuid and t.seq > $3::int8 order by t.seq limit $4::int4)
    union all
    (select 7, l.seq, null, null, l.subject, null, null, null, null, null, null, null, null, null, null, null, l.left_at, null, null, null, null, null, null,
            null, null, null, null
     from lx.left_stream l where l.district = $1::int4 and l.stream = $2::uuid and l.seq > $3::int8 order by l.seq limit $4::int4)
  ) a
  where h.head > $3::int8
  order by a.seq
  limit $4::int4
) r on true
