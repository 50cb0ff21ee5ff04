-- The newest seal of every district, for workers, who hand the heads to clients.
-- Takes nothing. Returns one row per district that has a seal. Locks nothing.
create or replace function lx.seal_heads() returns table (district int4, number int8, hash bytea, algorithm int2, sealed_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select d.district, s.number, s.hash, s.algorithm, s.sealed_at
    from lx.district_state d
    cross join lateral (select s.number, s.hash, s.algorithm, s.sealed_at from lx.seal s where s.district = d.district order by s.number desc limit 1) s
    order by d.district;
end
$$;
alter function lx.seal_heads owner to lianxiao_writer;
revoke all on function lx.seal_heads from public;
grant execute on function lx.seal_heads to lianxiao_api, lianxiao_ops;
