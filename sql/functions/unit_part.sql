-- Ends the memberships that would lead across the border when a unit leaves its district: of its people outside of it, and of others in it.
-- Takes district, the streams that leave and the moment. Returns what it has changed of others' memberships (op_run.changes); those of the unit's own people
-- travel with them. Needs the heads of all streams concerned locked by the caller.
create or replace function lx.unit_part(p_district int4, p_streams uuid[], p_at timestamptz) returns bytea
language plpgsql
as $$
declare
  v_changes bytea := '';
  r lx.membership;
begin
  for r in
    select m.* from lx.membership m
    where m.district = p_district and (m.until_at is null or m.until_at > p_at)
      and ((m.unit = any(p_streams) and m.stream <> all(p_streams)) or (m.stream = any(p_streams) and m.unit <> all(p_streams)))
    order by m.id
  loop
    update lx.membership m
    set until_at = greatest(r.from_at, p_at), version = r.version + 1,
        seq = lx.head_add(p_district, r.stream, 0, lx.row_digest(r.id, r.version) # lx.row_digest(r.id, r.version + 1))
    where m.district = p_district and m.id = r.id;
    perform lx.roster_changed(p_district, array[r.stream, r.unit], array[r.person], array[r.stream]);
    if r.stream <> all(p_streams) then
      v_changes := v_changes || uuid_send(r.id) || int8send(r.version + 1) || lx.membership_content(p_district, r.id);
    end if;
  end loop;
  return v_changes;
end
$$;
revoke all on function lx.unit_part from public;
grant execute on function lx.unit_part to lianxiao_carrier;
