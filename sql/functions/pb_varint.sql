-- A protobuf varint.
-- Takes a number >= 0. Returns bytea. Locks nothing.
create or replace function lx.pb_varint(p_value int8) returns bytea
language plpgsql immutable
as $$
declare
  v_rest int8 := p_value;
  v_out bytea := '';
begin
  while v_rest >= 128 loop
    v_out := v_out || set_byte('\x00'::bytea, 0, ((v_rest & 127) | 128)::int4);
    v_rest := v_rest >> 7;
  end loop;
  return v_out || set_byte('\x00'::bytea, 0, v_rest::int4);
end
$$;
revoke all on function lx.pb_varint from public;
grant execute on function lx.pb_varint to lianxiao_writer;
