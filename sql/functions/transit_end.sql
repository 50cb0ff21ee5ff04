-- Ends one district's row of a transfer: it goes from the stream. Ending it again changes nothing.
-- Takes district and transfer. Returns nothing. Needs the head of the district's stream locked by the caller.
create or replace function lx.transit_end(p_district int4, p_transfer uuid) returns void
language plpgsql
as $$
begin
  update lx.transit t set ended_at = clock_timestamp(), seq = lx.head_add(t.district, t.stream, -1, lx.row_digest(t.id, t.version))
  where t.district = p_district and t.transfer = p_transfer and t.ended_at is null;
end
$$;
revoke all on function lx.transit_end from public;
grant execute on function lx.transit_end to lianxiao_carrier;
