-- Puts a workshop under another school of its district. Its streams stay as they are; source keys follow to the other school, everybody is assessed again.
-- Takes operator, the workshop and the school. Returns nothing. Needs the city's head locked by the caller; locks the workshop's.
create or replace function lx.unit_move_within(p_operator text, p_unit lx.unit, p_to lx.unit) returns void
language plpgsql
as $$
declare
  v_district constant int4 := (p_unit).district;
  v_stream constant uuid := (p_unit).id;
begin
  perform 1 from lx.head h where h.district = v_district and h.stream = v_stream for no key update;
  perform lx.move_import_keys(v_district, s.subject, v_stream, (p_unit).parent, (p_to).id)
  from (select distinct f.subject from lx.fact f where f.district = v_district and f.stream = v_stream and f.source_key is not null) s;
  perform lx.unit_put_under(p_unit, p_to);
  perform lx.roster_changed(v_district, array[v_stream],
    array(select p.id from lx.person p where p.district = v_district and p.stream = v_stream
          union select m.person from lx.membership m where m.district = v_district and m.unit = v_stream),
    array[v_stream, (p_unit).parent]);
  perform lx.audit_add(null, p_operator, null, 'unit_move', v_stream, (p_unit).code, jsonb_build_object('to', (p_to).code));
end
$$;
revoke all on function lx.unit_move_within from public;
grant execute on function lx.unit_move_within to lianxiao_carrier;
