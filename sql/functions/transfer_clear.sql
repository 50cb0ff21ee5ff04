-- Takes a person's rows out of a district: what he added to roll-ups is left for the assessor, a tombstone stays in his stream.
-- Takes district, person, and the unit of the district that he goes to. Returns nothing. Needs the head of his stream locked by the caller.
create or replace function lx.transfer_clear(p_district int4, p_person lx.person, p_to uuid) returns void
language plpgsql
as $$
declare
  v_stream constant uuid := (p_person).stream;
  v_rows int8;
  v_digest int8;
begin
  insert into lx.standing_gone (district, subject, programme, role, contribution)
  select s.district, s.subject, s.programme, s.role, s.contribution
  from lx.standing s where s.district = p_district and s.subject = (p_person).id and octet_length(s.contribution) > 0;
  delete from lx.import_key k using lx.fact f
  where f.district = p_district and f.stream = v_stream and f.subject = (p_person).id and k.district = p_district and k.fact = f.id;
  delete from lx.submission s using lx.fact f
  where f.district = p_district and f.stream = v_stream and f.subject = (p_person).id and s.district = p_district and s.fact = f.id;
  with gone as (
    delete from lx.fact f where f.district = p_district and f.stream = v_stream and f.subject = (p_person).id returning f.id, 1::int8 as version),
  ended as (
    delete from lx.membership m where m.district = p_district and m.person = (p_person).id returning m.id, m.version),
  scored as (
    delete from lx.standing s where s.district = p_district and s.subject = (p_person).id returning s.id, s.version)
  select count(*), bit_xor(lx.row_digest(r.id, r.version)) into v_rows, v_digest
  from (select id, version from gone union all select id, version from ended union all select id, version from scored
        union all select (p_person).id, (p_person).version) r;
  delete from lx.person p where p.district = p_district and p.id = (p_person).id;
  insert into lx.left_stream (district, stream, seq, subject, to_stream, left_at)
  values (p_district, v_stream, lx.head_add(p_district, v_stream, -v_rows::int4, v_digest), (p_person).id, p_to, clock_timestamp())
  on conflict (district, stream, subject) do update set seq = excluded.seq, to_stream = excluded.to_stream, left_at = excluded.left_at;
end
$$;
revoke all on function lx.transfer_clear from public;
grant execute on function lx.transfer_clear to lianxiao_carrier;
