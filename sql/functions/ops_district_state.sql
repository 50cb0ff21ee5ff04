-- Operator: how true the figures of every district are.
-- Takes nothing. Returns one row per district. Locks nothing.
create or replace function lx.ops_district_state()
returns table (district int4, unit_code text, complete_through timestamptz, scheme_version int4, to_rescore int8, todo int8)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select s.district, u.code, s.complete_through, s.scheme_version, s.to_rescore,
         (select count(*) from lx.todo t where t.district = s.district)
  from lx.district_state s join lx.unit u on u.district = s.district and u.level <= 2
  order by s.district
$$;
alter function lx.ops_district_state owner to lianxiao_writer;
revoke all on function lx.ops_district_state from public;
grant execute on function lx.ops_district_state to lianxiao_ops;
