-- Figures of the people of a unit, or of the units of one level in it, in the order of their codes. Parameters and columns: sql/queries/statistics_units.sql.
-- Returns no row when statistics_of has none, one with a null code when there is no line. Reads roll-ups only; the city is the sum of its districts.
-- Locks nothing; runs with the caller's rights and in his snapshot, so figures and watermark belong together.
create or replace function lx.statistics_units(p_programme int4, p_unit uuid, p_level int4, p_after text, p_limit int4, p_streams uuid[], p_seqs int8[])
returns table (
  complete_through timestamptz, scheme_version int4, to_rescore int8, day date, covers bool, code text, name text, level int4, role int4, subjects int8,
  passed int8, open int8, failed int8, exempt int8, points int8, done int8, started int8, late int8, missed int8, online_hours int8, school_hours int8, credits int8
)
language plpgsql stable
as $$
#variable_conflict use_column
declare
  v_asked record;
  v_listed uuid[];
begin
  v_asked := lx.statistics_of(p_unit, p_streams, p_seqs);
  if v_asked.id is null then
    return;
  end if;
  if p_level = 1 then
    return query
    select v_asked.complete_through, v_asked.scheme_version, v_asked.to_rescore, v_asked.day, v_asked.covers, u.code, u.name, 1, 1, t.*
    from lx.unit u
    cross join lateral (
      select coalesce(sum(r.subjects), 0)::int8, coalesce(sum(r.passed), 0)::int8, coalesce(sum(r.open), 0)::int8, coalesce(sum(r.failed), 0)::int8,
             coalesce(sum(r.exempt), 0)::int8, coalesce(sum(r.points), 0)::int8, coalesce(sum(r.done), 0)::int8, coalesce(sum(r.started), 0)::int8,
             coalesce(sum(r.late), 0)::int8, coalesce(sum(r.missed), 0)::int8, coalesce(sum(r.online_hours), 0)::int8, coalesce(sum(r.school_hours), 0)::int8,
             coalesce(sum(r.credits), 0)::int8
      from lx.unit d
      cross join lateral (
        select r.* from lx.rollup r where r.district = d.district and r.unit = d.id and r.programme = p_programme and r.role = 1 and r.item = '' offset 0
      ) r
      where d.parent = u.id
    ) t
    where u.id = p_unit and u.code > p_after;
  else
    if p_level = v_asked.level then
      v_listed := array[p_unit];
    elsif p_level = v_asked.level + 1 then
      v_listed := array(select u.id from lx.unit u where u.parent = p_unit and u.level = p_level and u.code > p_after order by u.code limit p_limit);
    else
      v_listed := array(select u.id from lx.unit u where u.path @> array[p_unit] and u.level = p_level and u.code > p_after order by u.code limit p_limit);
    end if;
    return query
    select v_asked.complete_through, v_asked.scheme_version, v_asked.to_rescore, v_asked.day, v_asked.covers, u.code, u.name, u.level, 1,
           coalesce(r.subjects, 0), coalesce(r.passed, 0), coalesce(r.open, 0), coalesce(r.failed, 0), coalesce(r.exempt, 0), coalesce(r.points, 0),
           coalesce(r.done, 0), coalesce(r.started, 0), coalesce(r.late, 0), coalesce(r.missed, 0), coalesce(r.online_hours, 0), coalesce(r.school_hours, 0),
           coalesce(r.credits, 0)
    from unnest(v_listed) l (unit)
    cross join lateral (select u.id, u.code, u.name, u.level, u.district from lx.unit u where u.id = l.unit offset 0) u
    left join lateral (
      select r.* from lx.rollup r where r.district = u.district and r.unit = u.id and r.programme = p_programme and r.role = 1 and r.item = '' offset 0
    ) r on true -- a unit at a time, whatever the planner knows
    where u.code > p_after
    order by u.code;
  end if;
  if not found then
    return query select v_asked.complete_through, v_asked.scheme_version, v_asked.to_rescore, v_asked.day, v_asked.covers, null::text, null::text, null::int4, null::int4,
                        0::int8, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8, 0::int8;
  end if;
end
$$;
revoke all on function lx.statistics_units from public;
grant execute on function lx.statistics_units to lianxiao_api;
