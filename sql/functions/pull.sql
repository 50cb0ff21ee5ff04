-- The newest state of the rows of one stream above a cursor, in order of seq. Result columns: sql/queries/pull.sql.
-- Takes district, stream, cursor, limit and the head when the replica was begun (null: an older client, which finds out by count and digest). A replica that was
-- begun and pulled below the floor gets the stream from the start (snapshot). Returns no row when the stream is unknown or forbidden, one with kind null when nothing is above the cursor,
-- one with kind -1 when the stream's rows are under way to another district.
-- Locks nothing; runs with the caller's rights, so under row level security; one snapshot. The head comes first: a stream that is not visible, or not ahead of
-- the cursor, is not walked and costs one index look-up.
create or replace function lx.pull(p_district int4, p_stream uuid, p_given int8, p_limit int4, p_began int8)
returns table (
  head int8, live int8, digest int8, kind int4, seq int8, id uuid, version int8, subject uuid, programme int4, number int4, of_id uuid,
  at_from timestamptz, at_until timestamptz, quantity int8, total int8, code text, form text, source_key bytea, actor uuid, received_at timestamptz,
  name text, title text, state int4, count int4, certificate bool, in_post bool, established bool, full_time bool, guest bool, body bytea,
  snapshot bool
)
language plpgsql stable
as $$
#variable_conflict use_column
declare
  v_head record;
  v_cursor int8 := p_given;
begin
  select h.head, h.live, h.digest, h.floor, h.moving into v_head from lx.head h where h.district = p_district and h.stream = p_stream;
  if not found then
    return;
  end if;
  if v_head.moving then
    kind := -1;
    return next;
    return;
  end if;
  head := v_head.head;
  live := v_head.live;
  digest := v_head.digest;
  snapshot := p_given > 0 and p_given < v_head.floor and p_began < v_head.floor;
  if snapshot then
    v_cursor := 0;
  end if;
  if v_head.head <= v_cursor then
    return next;
    return;
  end if;
  return query
  select v_head.head, v_head.live, v_head.digest, a.*, snapshot from (
    (select 1 as kind, f.seq, f.id, 1::int8 as version, f.subject, f.programme::int4 as programme, f.kind::int4 as number, f.of_id, f.occurred_at as at_from,
            f.until_at as at_until, f.quantity, null::int8 as total, f.item as code, f.form, f.source_key, f.actor, f.received_at, null::text as name,
            null::text as title, null::int4 as state, null::int4 as count, null::bool as certificate, null::bool as in_post, null::bool as established,
            null::bool as full_time, null::bool as guest,
            case when f.kind = 6 then (select s.body from lx.submission s where s.district = p_district and s.fact = f.id) end as body
     from lx.fact f where f.district = p_district and f.stream = p_stream and f.seq > v_cursor order by f.seq limit p_limit)
    union all
    (select 2, p.seq, p.id, p.version, p.id, null, null, null, null, null, null, null, p.teacher_no, p.account, null, null, null, p.name, p.title, p.birth_year,
            null, p.certificate, p.in_post, p.established, p.full_time, null, null
     from lx.person p where p.district = p_district and p.stream = p_stream and p.seq > v_cursor order by p.seq limit p_limit)
    union all
    (select 3, m.seq, m.id, m.version, m.person, m.programme, m.role, m.unit, m.from_at, m.until_at, null, null, null, null, null, null, null, null, null, null,
            null, null, null, null, null, m.guest, null
     from lx.membership m where m.district = p_district and m.stream = p_stream and m.seq > v_cursor order by m.seq limit p_limit)
    union all
    (select 4, u.seq, u.id, u.version, u.id, null, u.level, u.parent, null, u.closed_at, null, null, u.code, null, null, u.moving_to, null, u.name, null, u.district,
            u.printed_size, null, null, null, null, null, u.attributes
     from lx.unit u where p_district = 0 and u.seq > v_cursor order by u.seq limit p_limit)
    union all
    (select 5, g.seq, g.id, g.version, g.id, g.number, null, null, null, null, null, null, g.code, null, null, null, null, null, null, null, g.scheme_version,
            null, null, null, null, null, c.scheme
     from lx.programme g join lx.scheme c on c.programme = g.number and c.version = g.scheme_version
     where p_district = 0 and g.seq > v_cursor order by g.seq limit p_limit)
    union all
    (select 6, t.seq, t.id, t.version, t.subject, t.programme, t.role, null, null, null, t.points, t.total, t.as_of::text, null, null, null, null, null, null,
            t.state, t.scheme_version, null, null, null, null, null, t.receipt
     from lx.standing t where t.district = p_district and t.stream = p_stream and t.seq > v_cursor order by t.seq limit p_limit)
    union all
    (select 7, l.seq, null, null, l.subject, null, null, null, null, null, null, null, null, null, null, null, l.left_at, null, null, null, null, null, null,
            null, null, null, null
     from lx.left_stream l where l.district = p_district and l.stream = p_stream and l.seq > v_cursor order by l.seq limit p_limit)
    union all
    (select case when i.ended_at is null then 8 else 9 end, i.seq, i.id, i.version, i.transfer, null, i.side, i.person, i.left_at, null, null, null, null, null,
            null, i.unit, null, i.name, null, null, null, null, null, null, null, null, null
     from lx.transit i where i.district = p_district and i.stream = p_stream and i.seq > v_cursor order by i.seq limit p_limit)
  ) a
  order by a.seq
  limit p_limit;
  if not found then
    return next;
  end if;
end
$$;
revoke all on function lx.pull from public;
grant execute on function lx.pull to lianxiao_api;
