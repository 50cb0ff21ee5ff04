-- Where somebody went who lived in a district and was sent to another.
-- Takes the district and the person. Returns the newest tombstone that leads to another district, or to this one: then the unit that he was sent out from
-- has followed him here, and he is under way (null: none, or he is here). Locks nothing.
create or replace function lx.transferred(p_district int4, p_person uuid) returns lx.left_stream
language plpgsql stable
as $$
declare
  v_left lx.left_stream;
begin
  select l.* into v_left
  from lx.left_stream l join lx.unit u on u.id = l.to_stream
  where l.district = p_district and l.subject = p_person and (u.district <> p_district or u.level = 2)
    and not exists (select from lx.person p where p.district = p_district and p.id = p_person)
  order by l.left_at desc limit 1;
  return v_left;
end
$$;
revoke all on function lx.transferred from public;
grant execute on function lx.transferred to lianxiao_writer, lianxiao_carrier;
