-- One parameter, to be appended to a packed lx.Reason (field 3: ReasonParameter{name = 1, value = 2}).
-- Takes name and value. Returns bytea. Locks nothing.
create or replace function lx.pb_parameter(p_name text, p_value text) returns bytea
language plpgsql immutable
as $$
begin
  return lx.pb_field(3, lx.pb_field(1, convert_to(p_name, 'UTF8')) || lx.pb_field(2, convert_to(p_value, 'UTF8')));
end
$$;
revoke all on function lx.pb_parameter from public;
grant execute on function lx.pb_parameter to lianxiao_writer;
