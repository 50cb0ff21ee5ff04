-- Operator: imports a file of units, all or nothing. The same file again changes nothing.
-- Takes operator and the columns (codes decide which unit a row is). Returns a verdict per row, see sql/README.md. Locks the city's head.
create or replace function lx.unit_import(
  p_operator text, p_id uuid[], p_parent_code text[], p_level int4[], p_code text[], p_name text[], p_district int4[], p_printed_size int4[], p_attributes bytea[]
) returns table (row_no int4, verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_verdicts int4[];
  r record;
begin
  perform pg_advisory_xact_lock(hashtextextended('lx.unit_import', 0));
  v_verdicts := array(select lx.unit_check(p_parent_code, p_level, p_code, p_district, i) from generate_subscripts(p_code, 1) i order by i);
  if v_verdicts && array[4, 5, 6] then
    return query select v.no::int4, v.verdict from unnest(v_verdicts) with ordinality v (verdict, no) order by v.no;
    return;
  end if;
  for r in select i from generate_subscripts(p_code, 1) i order by p_level[i], i loop
    v_verdicts[r.i] := lx.unit_put(p_id[r.i], p_parent_code[r.i], p_level[r.i], p_code[r.i], p_name[r.i], p_district[r.i], p_printed_size[r.i], p_attributes[r.i]);
  end loop;
  if v_verdicts && array[1, 2] then
    update lx.epoch e set units_changed_at = clock_timestamp();
    perform lx.audit_add(null, p_operator, null, 'unit_import', null, null,
      (select jsonb_build_object('added', count(*) filter (where v = 1), 'changed', count(*) filter (where v = 2)) from unnest(v_verdicts) v));
  end if;
  return query select v.no::int4, v.verdict from unnest(v_verdicts) with ordinality v (verdict, no) order by v.no;
end
$$;
alter function lx.unit_import owner to lianxiao_writer;
revoke all on function lx.unit_import from public;
grant execute on function lx.unit_import to lianxiao_ops;
