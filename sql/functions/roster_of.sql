-- The context in which operations of one stream are judged: ids and dates, no names. Columns and kinds of rows: sql/README.md, "Roster".
-- Takes the person who asks and the stream. Returns no row when the stream is unknown or the person has (and in the last 35 days had) nothing there.
-- Locks nothing.
create or replace function lx.roster_of(p_person uuid, p_stream uuid)
returns table (what int4, roster_version int8, subject uuid, home_stream uuid, home_roster_version int8, programme int4, unit uuid, role int4,
               from_at timestamptz, until_at timestamptz, guest bool, left_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_district int4;
  v_path uuid[];
begin
  if not exists (select from lx.grants_over(p_person, p_stream) g
                 where g.from_at <= now() and (g.ended_at is null or (g.ended_at > now() - interval '35 days' and not g.for_cause) or g.ended_at > now())) then
    return;
  end if;
  select u.district, u.path into v_district, v_path from lx.unit u where u.id = p_stream;

  return query
  select 0, h.roster_version, h.stream, h.stream, h.roster_version, null::int4, null::uuid, null::int4, null::timestamptz, null::timestamptz, null::bool,
         null::timestamptz
  from lx.head h where h.district = v_district and h.stream = p_stream;

  return query
  select 1, null::int8, u.id, u.id, null::int8, null::int4, u.parent, u.level, null::timestamptz, null::timestamptz, null::bool, null::timestamptz
  from lx.unit u where u.id = any(v_path) order by u.level;

  return query
  with person as (
    select p.id, p.stream, null::timestamptz as left_at from lx.person p where p.district = v_district and p.stream = p_stream
    union
    select p.id, p.stream, null
    from lx.membership m
    cross join lateral (select p.id, p.stream from lx.person p where p.district = m.district and p.id = m.person offset 0) p
    where m.district = v_district and m.unit = p_stream and p.stream <> p_stream
      and (m.until_at is null or m.until_at > now() - interval '35 days')
    union
    select p.id, p.stream, l.left_at from lx.left_stream l join lx.person p on p.district = l.district and p.id = l.subject
    where l.district = v_district and l.stream = p_stream and l.left_at > now() - interval '35 days' and p.stream <> p_stream
  ),
  who as (select id, stream, max(left_at) as left_at from person group by id, stream)
  select case when w.left_at is null then 2 else 3 end, null::int8, w.id, w.stream, h.roster_version, m.programme, m.unit, m.role, m.from_at, m.until_at, m.guest,
         w.left_at
  from who w
  cross join lateral (select h.roster_version from lx.head h where h.district = v_district and h.stream = w.stream offset 0) h
  left join lateral (select m.* from lx.membership m where m.district = v_district and m.person = w.id offset 0) m on true
  order by w.id, m.from_at; -- offset 0: one by one, whatever the planner knows of the tables

  -- who went to another district: home = the district's unit there. Most who left are still in the district, and not asked for.
  return query
  select 6, null::int8, l.subject, (t.gone).to_stream, null::int8, null::int4, null::uuid, null::int4, (t.gone).left_at, null::timestamptz, null::bool,
         (t.gone).left_at
  from (select l.subject from lx.left_stream l
        where l.district = v_district and l.stream = p_stream
          and not exists (select from lx.person p where p.district = v_district and p.id = l.subject) offset 0) l
  cross join lateral (select lx.transferred(v_district, l.subject) as gone) t
  where (t.gone).stream is not null;

  return query
  select 4, null::int8, m.person, m.stream, null::int8, m.programme, m.unit, m.role, m.from_at, m.until_at, m.guest, null::timestamptz
  from lx.membership m
  where m.district = v_district and m.unit = any(v_path) and m.role in (2, 3, 6);

  return query
  select 5, null::int8, g.person, null::uuid, null::int8, null::int4, g.unit, g.role, g.from_at, least(g.until_at, g.revoked_at), null::bool, null::timestamptz
  from lx.role_grant g
  where g.unit = any(v_path);
end
$$;
alter function lx.roster_of owner to lianxiao_writer;
revoke all on function lx.roster_of from public;
grant execute on function lx.roster_of to lianxiao_api;
