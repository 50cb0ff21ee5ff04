-- What half of a transfer has done to records, for op_run.changes: each record that left (its content: zeros) or arrived, with version and content hash. So a
-- record hangs on the run that brought it into the district, and one that has gone on the run that took it away.
-- Takes district, transfer, and the membership that the person has joined with (null: he left). Returns 40 bytes per record. Locks nothing.
create or replace function lx.transfer_changes(p_district int4, p_transfer uuid, p_join uuid) returns bytea
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_body jsonb;
begin
  select k.body into v_body from lx.transit_package k
  where k.district in (p_district, (select t.other_district from lx.transit t where t.district = p_district and t.transfer = p_transfer and t.side = 2))
    and k.transfer = p_transfer and case when p_join is null then k.district else k.taken_by end = p_district;
  return coalesce((
    select string_agg(uuid_send(r.id) || int8send(r.version)
                      || coalesce(case when p_join is not null then lx.record_content(p_district, r.what, r.id) end, decode(repeat('00', 16), 'hex')), ''::bytea
                      order by r.what, r.id)
    from (
      select 'person' as what, (v_body #>> '{person,id}')::uuid as id, (v_body #>> '{person,version}')::int8 as version where v_body is not null
      union all
      select 'membership', (m.row ->> 'id')::uuid, (m.row ->> 'version')::int8 from jsonb_array_elements(v_body -> 'memberships') m (row)
      union all
      select 'membership', p_join, 1 where p_join is not null and v_body is not null
      union all
      select 'fact', (f.row ->> 'id')::uuid, 1 from jsonb_array_elements(v_body -> 'facts') f (row)) r), '');
end
$$;
alter function lx.transfer_changes owner to lianxiao_carrier;
revoke all on function lx.transfer_changes from public;
grant execute on function lx.transfer_changes to lianxiao_writer;
