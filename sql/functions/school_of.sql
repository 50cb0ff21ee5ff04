-- The school a stream belongs to: a workshop's parent, else the unit itself.
-- Takes the stream. Returns uuid, null for an unknown one. Locks nothing.
create or replace function lx.school_of(p_stream uuid) returns uuid
language plpgsql stable
as $$
begin
  return (select case when u.level = 4 then u.parent else u.id end from lx.unit u where u.id = p_stream);
end
$$;
revoke all on function lx.school_of from public;
grant execute on function lx.school_of to lianxiao_writer, lianxiao_carrier;
