-- Judges a group of roster operations: device, operations seen before, capability roster over the group's stream (now; no good faith).
-- Takes sender and the group's key. Returns verdict (see push) and the last operation stored. Locks nothing: push_roster holds the head.
create or replace function lx.push_roster_judge(
  p_device bytea, p_person uuid, p_district int4, p_stream uuid, p_op_from int8, p_hashes bytea, out verdict int4, out last int8
)
language plpgsql stable
as $$
declare
  v_good bool;
begin
  select d.revoked_at is null and d.frozen_at is null into v_good from lx.device d where d.device = p_device;
  last := coalesce((select max(o.op_to) from lx.op_run o where o.district = p_district and o.stream = p_stream and o.device = p_device), 0);
  verdict := case
    when v_good is not true then 8
    when exists (select from lx.head h where h.district = p_district and h.stream = p_stream and h.moving) then 9
    when p_op_from <= last then lx.op_overlap(p_district, p_stream, p_device, p_op_from, p_hashes)
    when lx.mask_over(p_person, p_stream) & 256 = 0 then 6
    when not exists (select from lx.head h where h.district = p_district and h.stream = p_stream) then 6
    when p_op_from > last + 1 then 4
    else 1
  end;
end
$$;
revoke all on function lx.push_roster_judge from public;
grant execute on function lx.push_roster_judge to lianxiao_writer;
