-- The stored answer to operations that were all stored before: the refusals of the runs they lie in, in order.
-- Takes the key, first and last op_seq. Returns a packed lx.PushedGroup with `refused` only. Locks nothing.
create or replace function lx.op_answer(p_district int4, p_stream uuid, p_device bytea, p_op_from int8, p_op_to int8) returns bytea
language sql stable
as $$
  select coalesce(string_agg(answer, ''::bytea order by op_to), '')
  from lx.op_run
  where district = p_district and stream = p_stream and device = p_device and op_to >= p_op_from and op_from <= p_op_to
$$;
revoke all on function lx.op_answer from public;
grant execute on function lx.op_answer to lianxiao_writer;
