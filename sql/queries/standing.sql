-- standing: the newest result of one subject (at most one role), with the watermark of its district. Role lianxiao_api.
-- parameters: $1 programme int4, $2 subject uuid
-- result: 0 id uuid, 1 role int4, 2 state int4, 3 points int8, 4 total int8, 5 as_of date, 6 scheme_version int4, 7 receipt bytea, 8 complete_through timestamptz, 9 stream uuid
select s.id, s.role, s.state, s.points, s.total, s.as_of, s.scheme_version, s.receipt, d.complete_through, s.stream
from lx.district_state d
join lx.standing s on s.district = d.district and s.subject = $2::uuid and s.programme = $1::int4
order by s.role
limit 1
