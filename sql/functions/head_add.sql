-- Gives one row the next seq of a stream.
-- Takes the stream, by how much its live rows grow, and what to xor into its digest. Returns the new head, which is the row's seq.
-- Locks the head row (callers have locked all they need, ascending, before).
create or replace function lx.head_add(p_district int4, p_stream uuid, p_live int4, p_digest int8) returns int8
language plpgsql
as $$
declare
  v_seq int8;
begin
  update lx.head h set head = h.head + 1, live = h.live + p_live, digest = h.digest # p_digest
  where h.district = p_district and h.stream = p_stream
  returning h.head into strict v_seq;
  return v_seq;
end
$$;
revoke all on function lx.head_add from public;
grant execute on function lx.head_add to lianxiao_writer, lianxiao_assessor, lianxiao_carrier;
