-- What a person may see and do now: grants in force, and every stream under them, the city's first.
-- Takes the person. Returns rows of kind 1 (grant), 2 (stream) and 3 (grant that ended at most 35 days ago, not for cause: what was written under it
-- may still come in; until_at is its end; of a unit that was moved away from under a grant: the unit, until then), see sql/README.md. Locks nothing.
create or replace function lx.scope_of(p_person uuid)
returns table (row_kind int4, scope_version int8, id uuid, role int4, unit uuid, level int4, district int4, from_at timestamptz, until_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_version constant int8 := lx.scope_version(p_person);
begin
  return query
  select 1, v_version, g.id, g.role, g.unit, u.level, u.district, g.from_at, g.until_at
  from lx.role_grant g join lx.unit u on u.id = g.unit
  where g.person = p_person and g.from_at <= now() and (g.until_at is null or g.until_at > now()) and g.revoked_at is null
  order by g.from_at;
  return query
  select 2, v_version, u.id, null::int4, u.parent, u.level, u.district, null::timestamptz, null::timestamptz
  from lx.unit u
  where u.level = 1
     or u.id in (select x.id from lx.role_grant g join lx.unit x on x.path @> array[g.unit]
                 where g.person = p_person and g.from_at <= now() and (g.until_at is null or g.until_at > now()) and g.revoked_at is null)
  order by u.level, u.code;
  return query
  select 3, v_version, g.id, g.role, g.unit, u.level, u.district, g.from_at, least(g.until_at, g.revoked_at)
  from lx.role_grant g join lx.unit u on u.id = g.unit
  where g.person = p_person and not g.for_cause and least(g.until_at, g.revoked_at) between now() - interval '35 days' and now();
  return query
  select 3, v_version, g.id, g.role, u.id, u.level, u.district, g.from_at, least(g.until_at, g.revoked_at, f.until_at)
  from lx.role_grant g
  join lx.unit u on u.former @> array[g.unit] and u.former <> '{}'
  cross join lateral unnest(u.former, u.former_until) f (unit, until_at)
  where g.person = p_person and f.unit = g.unit and not g.for_cause and least(g.until_at, g.revoked_at, f.until_at) between now() - interval '35 days' and now();
end
$$;
alter function lx.scope_of owner to lianxiao_auth;
revoke all on function lx.scope_of from public;
grant execute on function lx.scope_of to lianxiao_api;
