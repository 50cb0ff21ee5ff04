-- Puts one row as a security event has it: inserts it, or sets the columns that the event names.
-- Takes the table's name (one of those that security_note watches) and the row as JSON. Returns nothing. Locks the row.
create or replace function lx.security_put(p_what text, p_body jsonb) returns void
language plpgsql
as $$
declare
  v_key constant text := case p_what when 'role_grant' then 'id' when 'account' then 'person' when 'device' then 'device'
                                     when 'enrol_code' then 'lookup' when 'session' then 'token_hash' end;
  v_columns text;
  v_sets text;
begin
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum), string_agg(format('%1$I = excluded.%1$I', a.attname), ', ' order by a.attnum)
  into strict v_columns, v_sets
  from pg_attribute a
  where a.attrelid = format('lx.%I', p_what)::regclass and a.attnum > 0 and not a.attisdropped and p_body ? a.attname;
  execute format('insert into lx.%1$I (%2$s) select %2$s from jsonb_populate_record(null::lx.%1$I, $1) on conflict (%3$I) do update set %4$s',
                 p_what, v_columns, v_key, v_sets) using p_body;
end
$$;
alter function lx.security_put owner to lianxiao_auth;
revoke all on function lx.security_put from public;
grant execute on function lx.security_put to lianxiao_auth;
