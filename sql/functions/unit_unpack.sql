-- Puts the rows of a unit's package into a district, at the places, with the ids, contents and versions that they had: replicas of the streams stay true.
-- Takes the sending district, the move, the district, and the school that source keys belong to (null: each to its own). Returns nothing.
-- Needs the city's head and those of the streams, where the district has them from an earlier stay, locked by the caller.
create or replace function lx.unit_unpack(p_from int4, p_move uuid, p_district int4, p_school uuid) returns void
language plpgsql
as $$
#variable_conflict use_column
declare
  v_what text;
begin
  insert into lx.head as h (district, stream, head, live, digest, roster_version, pushed_at, floor)
  select p_district, r.stream, r.head, r.live, r.digest, r.roster_version + 1, r.pushed_at, r.floor
  from lx.unit_package k cross join jsonb_populate_recordset(null::lx.head, k.rows) r
  where k.district = p_from and k.move = p_move and k.what = 'head'
  on conflict (district, stream) do update
  set head = excluded.head, live = excluded.live, digest = excluded.digest, roster_version = greatest(excluded.roster_version, h.roster_version + 1),
      pushed_at = excluded.pushed_at, floor = excluded.floor, moving = false;

  foreach v_what in array array['person', 'membership', 'fact', 'submission', 'standing', 'left_stream'] loop
    execute format($f$
      insert into lx.%1$I select r.* from lx.unit_package k cross join
        jsonb_populate_recordset(jsonb_populate_record(null::lx.%1$I, jsonb_build_object('district', $3)), k.rows) r
      where k.district = $1 and k.move = $2 and k.what = %1$L $f$, v_what) using p_from, p_move, p_district;
  end loop;
  insert into lx.import_key
  select p_district, coalesce(p_school, r.school), r.source_key, r.fact
  from lx.unit_package k cross join jsonb_populate_recordset(null::lx.import_key, k.rows) r
  where k.district = p_from and k.move = p_move and k.what = 'import_key'
  on conflict (district, school, source_key) do nothing;
  -- copies: what they have stored is recorded by the original and by the run of the move
  insert into lx.op_run
  select r.*
  from lx.unit_package k cross join
    jsonb_populate_recordset(jsonb_populate_record(null::lx.op_run, jsonb_build_object('district', p_district, 'contents', '\x', 'changes', '\x',
                                                                             'received_at', clock_timestamp())), k.rows) r
  where k.district = p_from and k.move = p_move and k.what = 'op_run'
  on conflict (district, stream, device, op_to) do nothing;
  update lx.head h
  set runs = (select count(*) from lx.op_run o where o.district = h.district and o.stream = h.stream)
  from lx.unit_package k cross join jsonb_populate_recordset(null::lx.head, k.rows) r
  where k.district = p_from and k.move = p_move and k.what = 'head' and h.district = p_district and h.stream = r.stream;
end
$$;
revoke all on function lx.unit_unpack from public;
grant execute on function lx.unit_unpack to lianxiao_carrier;
