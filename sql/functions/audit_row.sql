-- Writes into the audit what a row of rights, units, programmes or accounts says now, as a hash: verification compares the newest with the row.
-- Takes the table, the columns of its key, the row (in UTC) and whether it is gone. Returns nothing. Locks nothing.
create or replace function lx.audit_row(p_table text, p_keys text[], p_row jsonb, p_gone bool) returns void
language plpgsql
as $$
begin
  insert into lx.audit (district, id, action, target, detail)
  values (0, lx.uuid7(), 'row', p_table || (select string_agg(' ' || ltrim(p_row ->> k.name, '\x'), '' order by k.no) from unnest(p_keys) with ordinality k (name, no)),
          jsonb_build_object('content', case when not p_gone then encode(sha256(convert_to((p_row - 'password_hash')::text, 'UTF8')), 'hex') end));
end
$$;
revoke all on function lx.audit_row from public;
grant execute on function lx.audit_row to lianxiao_auth;
