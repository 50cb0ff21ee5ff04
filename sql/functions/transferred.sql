-- Where somebody went who lived in a district and was sent to another.
-- Takes the district and the person. Returns the newest tombstone that leads out of the district (null: none, or he is back). Locks nothing.
create or replace function lx.transferred(p_district int4, p_person uuid) returns lx.left_stream
language plpgsql stable
as $$
declare
  v_left lx.left_stream;
begin
  select l.* into v_left
  from lx.left_stream l join lx.unit u on u.id = l.to_stream
  where l.district = p_district and l.subject = p_person and u.district <> p_district
    and not exists (select from lx.person p where p.district = p_district and p.id = p_person)
  order by l.left_at desc limit 1;
  return v_left;
end
$$;
revoke all on function lx.transferred from public;
grant execute on function lx.transferred to lianxiao_writer, lianxiao_carrier;
