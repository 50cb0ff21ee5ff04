-- May this sender be told that somebody went to another district? Yes when he keeps the roster of the stream that was left.
-- Takes sender, district and person. Returns bool, false for whoever is there or unknown. Locks nothing.
create or replace function lx.has_gone(p_sender uuid, p_district int4, p_person uuid) returns bool
language plpgsql stable
as $$
declare
  v_left constant lx.left_stream := lx.transferred(p_district, p_person);
begin
  return v_left.stream is not null and lx.mask_over(p_sender, v_left.stream) & 256 <> 0;
end
$$;
revoke all on function lx.has_gone from public;
grant execute on function lx.has_gone to lianxiao_writer, lianxiao_carrier;
