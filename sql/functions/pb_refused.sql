-- One refused operation, to be appended to a packed lx.PushedGroup (field 5: RefusedOperation{op_seq = 1, reason = 2}).
-- Takes op_seq and the packed lx.Reason. Returns bytea. Locks nothing.
create or replace function lx.pb_refused(p_op int8, p_reason bytea) returns bytea
language plpgsql immutable
as $$
begin
  return lx.pb_field(5, '\x08'::bytea || lx.pb_varint(p_op) || lx.pb_field(2, coalesce(p_reason, '')));
end
$$;
revoke all on function lx.pb_refused from public;
grant execute on function lx.pb_refused to lianxiao_writer;
