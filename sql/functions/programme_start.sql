-- Operator: starts a programme with its first scheme, as a row of the city's stream.
-- Takes operator, record id, number, code, scheme version and canonical scheme. Returns verdict 1 done, 3 exists already. Locks the city's head.
create or replace function lx.programme_start(p_operator text, p_id uuid, p_number int4, p_code text, p_scheme_version int4, p_scheme bytea) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_id constant uuid := coalesce(p_id, lx.uuid7());
begin
  if lx.city_stream() is null then
    raise exception 'import the units first: a programme belongs to a city' using errcode = 'object_not_in_prerequisite_state';
  end if;
  perform 1 from lx.head h where h.district = 0 and h.stream = lx.city_stream() for no key update;
  if exists (select from lx.programme p where p.number = p_number or p.code = p_code) then
    return query select 3;
    return;
  end if;
  insert into lx.programme (number, id, scheme_version, seq, code)
  values (p_number, v_id, p_scheme_version, lx.head_add(0, lx.city_stream(), 1, lx.row_digest(v_id, 1)), p_code);
  insert into lx.scheme (programme, version, scheme) values (p_number, p_scheme_version, p_scheme);
  perform lx.rescore_all();
  perform lx.audit_add(null, p_operator, null, 'programme_start', null, p_code, jsonb_build_object('scheme_version', p_scheme_version));
  return query select 1;
end
$$;
alter function lx.programme_start owner to lianxiao_writer;
revoke all on function lx.programme_start from public;
grant execute on function lx.programme_start to lianxiao_ops;
