-- A run of what operators have done to the records of a stream, so that they hang on the audit chain like everything else: device of zeros, nobody's person.
-- Takes district, stream, what it was (text that the hash is made from) and the changes (op_run.changes). Returns nothing. Needs the stream's head locked by
-- the caller.
create or replace function lx.operator_run(p_district int4, p_stream uuid, p_what text, p_changes bytea) returns void
language plpgsql
as $$
declare
  v_device constant bytea := decode(repeat('00', 32), 'hex');
  v_hash constant bytea := substring(sha256(convert_to(p_what, 'UTF8')) from 1 for 16);
  v_op constant int8 := 1 + coalesce((select max(o.op_to) from lx.op_run o where o.district = p_district and o.stream = p_stream and o.device = v_device), 0);
begin
  insert into lx.op_run (district, stream, device, op_from, op_to, seq_from, scope_version, received_at, stored, refused, flags, person, root, hashes, answer, contents, changes)
  select h.district, h.stream, v_device, v_op, v_op, h.head + 1, 0, clock_timestamp(), octet_length(p_changes) / 40, 0, 0, uuid_nil.id, sha256(v_hash), v_hash, '', '', p_changes
  from lx.head h, (values ('00000000-0000-0000-0000-000000000000'::uuid)) uuid_nil (id)
  where h.district = p_district and h.stream = p_stream;
  update lx.head h set runs = h.runs + 1 where h.district = p_district and h.stream = p_stream;
end
$$;
revoke all on function lx.operator_run from public;
grant execute on function lx.operator_run to lianxiao_carrier;
