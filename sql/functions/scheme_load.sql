-- Operator: gives a programme a new version of its scheme; everybody is assessed again (lane 2).
-- Takes operator, the programme's code, version and canonical scheme. Returns verdict 1 done, 2 unknown programme, 3 version not above the current one or the same scheme.
-- Locks the city's head.
create or replace function lx.scheme_load(p_operator text, p_code text, p_scheme_version int4, p_scheme bytea) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_programme lx.programme;
begin
  perform 1 from lx.head h where h.district = 0 and h.stream = lx.city_stream() for no key update;
  select p.* into v_programme from lx.programme p where p.code = p_code;
  if v_programme.number is null then
    return query select 2;
    return;
  end if;
  if p_scheme_version <= v_programme.scheme_version
     or exists (select from lx.scheme s where s.programme = v_programme.number and s.version = v_programme.scheme_version and s.scheme = p_scheme) then
    return query select 3;
    return;
  end if;
  insert into lx.scheme (programme, version, scheme) values (v_programme.number, p_scheme_version, p_scheme);
  update lx.programme p
  set scheme_version = p_scheme_version, version = v_programme.version + 1,
      seq = lx.head_add(0, lx.city_stream(), 0, lx.row_digest(v_programme.id, v_programme.version) # lx.row_digest(v_programme.id, v_programme.version + 1))
  where p.number = v_programme.number;
  perform lx.rescore_all();
  perform lx.audit_add(null, p_operator, null, 'scheme_load', null, p_code, jsonb_build_object('scheme_version', p_scheme_version));
  return query select 1;
end
$$;
alter function lx.scheme_load owner to lianxiao_writer;
revoke all on function lx.scheme_load from public;
grant execute on function lx.scheme_load to lianxiao_ops;
