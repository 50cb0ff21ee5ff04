-- Takes the rows of some streams out of a district and into the package of a move, 500 of a table to a part. What they had added to roll-ups is left for the
-- assessor (standing_gone). Runs of operations stay, the audit chain holds them; copies of them travel, so that devices' keys go on.
-- Takes district, move and streams. Returns nothing. Needs the streams' heads locked by the caller.
create or replace function lx.unit_pack(p_district int4, p_move uuid, p_streams uuid[]) returns void
language plpgsql
as $$
declare
  v_what text;
begin
  insert into lx.standing_gone (district, subject, programme, role, contribution)
  select s.district, s.subject, s.programme, s.role, s.contribution
  from lx.standing s where s.district = p_district and s.stream = any(p_streams) and octet_length(s.contribution) > 0;
  foreach v_what in array array['head', 'person', 'membership', 'fact', 'submission', 'standing', 'left_stream', 'op_run'] loop
    execute format($f$
      insert into lx.unit_package (district, move, what, part, rows)
      select $1, $2, %1$L, r.n / 500, jsonb_agg(r.row)
      from (select to_jsonb(t) - $4::text[] as row, (row_number() over (order by t) - 1)::int4 as n
            from lx.%1$I t where t.district = $1 and t.stream = any($3)) r
      group by r.n / 500 $f$, v_what)
    using p_district, p_move, p_streams,
          array['district', 'contribution'] || case v_what when 'op_run' then array['contents', 'changes', 'received_at'] else '{}' end;
  end loop;
  insert into lx.unit_package (district, move, what, part, rows)
  select p_district, p_move, 'import_key', r.n / 500, jsonb_agg(r.row)
  from (select to_jsonb(k) - 'district' as row, (row_number() over (order by k.source_key) - 1)::int4 as n
        from lx.import_key k join lx.fact f on f.district = k.district and f.id = k.fact
        where k.district = p_district and f.stream = any(p_streams)) r
  group by r.n / 500;

  delete from lx.import_key k using lx.fact f where k.district = p_district and f.district = p_district and f.stream = any(p_streams) and k.fact = f.id;
  foreach v_what in array array['submission', 'fact', 'membership', 'person', 'standing', 'left_stream'] loop
    execute format('delete from lx.%I t where t.district = $1 and t.stream = any($2)', v_what) using p_district, p_streams;
  end loop;
  update lx.head h set moving = true, live = 0, digest = 0 where h.district = p_district and h.stream = any(p_streams);
end
$$;
revoke all on function lx.unit_pack from public;
grant execute on function lx.unit_pack to lianxiao_carrier;
