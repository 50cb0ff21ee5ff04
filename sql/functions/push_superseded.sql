-- Where the facts live that earlier imports of the same source keys have made (slow path of push, to lock their heads too).
-- Takes the arrays of push. Returns (district, stream). Locks nothing.
create or replace function lx.push_superseded(
  p_district int4[], p_target_group int4[], p_target_stream uuid[], p_fact_target int4[], p_source_key bytea[]
) returns table (district int4, stream uuid)
language sql stable
as $$
  select o.district, o.stream
  from unnest(p_fact_target, p_source_key) f (target, source_key)
  join lx.unit u on u.id = p_target_stream[f.target]
  join lx.import_key k on k.district = u.district and k.school = case when u.level = 4 then u.parent else u.id end and k.source_key = f.source_key
  join lx.fact o on o.district = k.district and o.id = k.fact
  where f.source_key is not null and u.district = p_district[p_target_group[f.target]]
$$;
revoke all on function lx.push_superseded from public;
grant execute on function lx.push_superseded to lianxiao_writer;
