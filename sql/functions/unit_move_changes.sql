-- What half of a unit's move does to the records of one stream, for op_run.changes: each record leaves (its content: zeros) or arrives.
-- Takes district, stream and whether they arrive. Returns 40 bytes per record that is there now. Locks nothing.
create or replace function lx.unit_move_changes(p_district int4, p_stream uuid, p_arrive bool) returns bytea
language plpgsql stable
as $$
begin
  return coalesce((
    select string_agg(uuid_send(r.id) || int8send(r.version) || coalesce(r.content, decode(repeat('00', 16), 'hex')), ''::bytea order by r.what, r.id)
    from (
      select 'person' as what, p.id, p.version, case when p_arrive then lx.person_content(p_district, p.id) end as content
      from lx.person p where p.district = p_district and p.stream = p_stream
      union all
      select 'membership', m.id, m.version, case when p_arrive then lx.membership_content(p_district, m.id) end
      from lx.membership m where m.district = p_district and m.stream = p_stream
      union all
      select 'fact', f.id, 1, case when p_arrive then lx.fact_content(f, s.sha256) end
      from lx.fact f left join lx.submission s on s.district = f.district and s.fact = f.id
      where f.district = p_district and f.stream = p_stream) r), '');
end
$$;
revoke all on function lx.unit_move_changes from public;
grant execute on function lx.unit_move_changes to lianxiao_carrier;
