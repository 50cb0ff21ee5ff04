-- One length-delimited protobuf field.
-- Takes the field number and its bytes (shorter than 2^28). Returns bytea. Locks nothing.
create or replace function lx.pb_field(p_number int4, p_bytes bytea) returns bytea
language plpgsql immutable
as $$
begin
  return lx.pb_varint(p_number * 8 + 2) || lx.pb_varint(octet_length(p_bytes)) || p_bytes;
end
$$;
revoke all on function lx.pb_field from public;
grant execute on function lx.pb_field to lianxiao_writer;
