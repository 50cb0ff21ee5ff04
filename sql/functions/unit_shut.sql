-- Closes a unit: nobody joins it any more, and it counts no more; its last standing stays readable.
-- Takes the unit. Returns nothing. Needs the heads of the city and of the unit locked by the caller.
create or replace function lx.unit_shut(p_unit lx.unit) returns void
language plpgsql
as $$
begin
  update lx.unit u set closed_at = now() where u.id = (p_unit).id;
  perform lx.unit_touch((p_unit).id);
  insert into lx.standing_gone (district, subject, programme, role, contribution)
  select s.district, s.subject, s.programme, s.role, s.contribution
  from lx.standing s where s.district = (p_unit).district and s.subject = (p_unit).id and octet_length(s.contribution) > 0;
  update lx.standing s set contribution = null where s.district = (p_unit).district and s.subject = (p_unit).id;
  insert into lx.todo (district, subject, level, lane)
  select u.district, u.id, u.level, 1 from lx.unit u where u.id = (p_unit).parent;
end
$$;
revoke all on function lx.unit_shut from public;
grant execute on function lx.unit_shut to lianxiao_carrier;
