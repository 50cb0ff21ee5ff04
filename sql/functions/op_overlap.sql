-- Judges operations of which at least the first was stored before: compares them with the hashes of the runs.
-- Takes the key (district, stream, device), the first op_seq and the hashes sent. Returns 2 repeated, 3 partial, 7 cloned. Locks nothing.
-- Runs that were pruned count as equal: only the newest is kept for ever.
create or replace function lx.op_overlap(p_district int4, p_stream uuid, p_device bytea, p_op_from int8, p_hashes bytea) returns int4
language plpgsql stable
as $$
declare
  v_op_to constant int8 := p_op_from + octet_length(p_hashes) / 16 - 1;
  v_last int8 := 0;
  v_from int8;
  v_to int8;
  r record;
begin
  for r in select op_from, op_to, hashes from lx.op_run
           where district = p_district and stream = p_stream and device = p_device and op_to >= p_op_from
           order by op_to loop
    v_last := r.op_to;
    v_from := greatest(r.op_from, p_op_from);
    v_to := least(r.op_to, v_op_to);
    if v_from <= v_to and substring(r.hashes from ((v_from - r.op_from) * 16 + 1)::int4 for ((v_to - v_from + 1) * 16)::int4)
                <> substring(p_hashes from ((v_from - p_op_from) * 16 + 1)::int4 for ((v_to - v_from + 1) * 16)::int4) then
      return 7;
    end if;
  end loop;
  return case when v_op_to <= v_last then 2 else 3 end;
end
$$;
revoke all on function lx.op_overlap from public;
grant execute on function lx.op_overlap to lianxiao_writer;
