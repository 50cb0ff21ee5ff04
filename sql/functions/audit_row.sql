-- Writes into the audit what a row of rights, units, programmes or accounts says now, as a hash: verification compares the newest with the row. Newest by its time,
-- which follows that of what was written about the row before, also when a clock was set back.
-- Takes the table, the columns of its key, the row (in UTC) and whether it is gone. Returns nothing. Locks nothing: the row's change holds the row.
create or replace function lx.audit_row(p_table text, p_keys text[], p_row jsonb, p_gone bool) returns void
language plpgsql
as $$
declare
  v_target constant text := p_table || (select string_agg(' ' || ltrim(p_row ->> k.name, '\x'), '' order by k.no) from unnest(p_keys) with ordinality k (name, no));
begin
  insert into lx.audit (district, id, at, action, target, detail)
  values (0, lx.uuid7(),
          greatest(clock_timestamp(), (select max(a.at) + interval '1 microsecond' from lx.audit a where a.district = 0 and a.action = 'row' and a.target = v_target)),
          'row', v_target,
          jsonb_build_object('content', case when not p_gone then encode(sha256(convert_to((p_row - 'password_hash')::text, 'UTF8')), 'hex') end));
end
$$;
revoke all on function lx.audit_row from public;
grant execute on function lx.audit_row to lianxiao_auth;
