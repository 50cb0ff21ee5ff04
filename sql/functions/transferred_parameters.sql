-- The parameters of the reason person_transferred: to which district somebody went, and on which day (Asia/Shanghai).
-- Takes the district that he left and the person. Returns parameters to be appended to a packed lx.Reason. Locks nothing.
create or replace function lx.transferred_parameters(p_district int4, p_person uuid) returns bytea
language plpgsql stable
as $$
declare
  v_left constant lx.left_stream := lx.transferred(p_district, p_person);
begin
  return lx.pb_parameter('district', (select u.name from lx.unit u where u.id = v_left.to_stream))
         || lx.pb_parameter('day', to_char(v_left.left_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD'));
end
$$;
revoke all on function lx.transferred_parameters from public;
grant execute on function lx.transferred_parameters to lianxiao_writer;
