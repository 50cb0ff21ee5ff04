-- Puts every person and unit of all districts on todo (lane 2).
-- Takes nothing. Returns nothing. Locks nothing.
create or replace function lx.rescore_all() returns void
language sql
as $$
  insert into lx.todo (district, subject, level, lane)
  select p.district, p.id, 5, 2 from lx.person p
  union all
  select u.district, u.id, u.level, 2 from lx.unit u where u.level >= 2
$$;
alter function lx.rescore_all owner to lianxiao_writer;
revoke all on function lx.rescore_all from public;
grant execute on function lx.rescore_all to lianxiao_writer;
