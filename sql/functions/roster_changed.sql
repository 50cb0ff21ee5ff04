-- Says that the roster of streams changed: raises roster_version (workers judge again) and puts subjects on todo.
-- Takes district, streams, persons and units (their schools and districts come by themselves). Returns nothing. Needs the heads locked by the caller.
create or replace function lx.roster_changed(p_district int4, p_streams uuid[], p_persons uuid[], p_units uuid[]) returns void
language plpgsql
as $$
begin
  update lx.head h set roster_version = h.roster_version + 1 where h.district = p_district and h.stream = any(p_streams);
  insert into lx.todo (district, subject, level, lane)
  select p_district, s.subject, 5, 1 from (select distinct unnest(p_persons) as subject) s
  union all
  select distinct p_district, a.id, a.level, 1
  from lx.unit u join lx.unit a on a.id = any(u.path)
  where u.id = any(p_units) and u.district = p_district and a.level >= 2;
end
$$;
revoke all on function lx.roster_changed from public;
grant execute on function lx.roster_changed to lianxiao_writer, lianxiao_carrier;
