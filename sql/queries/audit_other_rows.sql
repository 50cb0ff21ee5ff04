-- audit_other_rows: what standings and transfers under way add to the heads of their streams, and units and programmes to the city's. Called by role lianxiao_auditor.
-- parameters: $1 district int4, $2 after uuid, $3 limit int4
-- result: 0 id uuid, 1 version int8, 2 stream uuid, 3 seq int8
(select s.id, s.version, s.stream, s.seq from lx.standing s where s.district = $1::int4 and s.id > $2::uuid order by s.id limit $3::int4)
union all
(select t.id, t.version, t.stream, t.seq from lx.transit t where t.district = $1::int4 and t.id > $2::uuid and t.ended_at is null order by t.id limit $3::int4)
union all
(select u.id, u.version, u.path[1], u.seq from lx.unit u where $1::int4 = 0 and u.id > $2::uuid order by u.id limit $3::int4)
union all
(select p.id, p.version, u.id, p.seq from lx.programme p join lx.unit u on u.level = 1 where $1::int4 = 0 and p.id > $2::uuid order by p.id limit $3::int4)
order by 1
limit $3::int4
