-- Puts a unit, with all below it, under another parent; whoever was above it until now is remembered (good faith).
-- Takes the unit and the parent. Returns nothing. Needs the city's head locked by the caller.
create or replace function lx.unit_put_under(p_unit lx.unit, p_to lx.unit) returns void
language plpgsql
as $$
declare
  v_path uuid[];
  r lx.unit;
begin
  for r in select u.* from lx.unit u where u.path @> array[(p_unit).id] order by u.level, u.id loop
    v_path := (p_to).path || r.path[(p_unit).level:];
    update lx.unit u
    set path = v_path, district = (p_to).district, parent = case when u.id = (p_unit).id then (p_to).id else u.parent end, moving_to = null,
        former = k.former, former_until = k.until
    from (
      select coalesce(array_agg(x.unit), '{}') as former, coalesce(array_agg(x.until_at), '{}') as until
      from (select o.unit, max(o.until_at) as until_at
            from (select f.unit, f.until_at from unnest(r.former, r.former_until) f (unit, until_at)
                  union all select a.unit, now() from unnest(r.path) a (unit)) o
            where o.unit <> all(v_path) group by o.unit) x) k
    where u.id = r.id;
    perform lx.unit_touch(r.id);
  end loop;
  update lx.epoch e set units_changed_at = clock_timestamp();
end
$$;
revoke all on function lx.unit_put_under from public;
grant execute on function lx.unit_put_under to lianxiao_carrier;
