-- Audits every change of who may come in, what he may, and of what the city consists of: the row's content after it, in the change's own transaction.
-- A trigger, so no function that changes these tables can forget it. The row is locked meanwhile, so the times of what is written about it follow its changes.
-- The arguments are the columns of the key. In UTC, since the content is that of the row's JSON.
create or replace function lx.audit_note() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set bytea_output = 'hex'
as $$
begin
  if tg_op = 'DELETE' then
    perform lx.audit_row(tg_table_name, tg_argv, to_jsonb(old), true);
  elsif tg_op = 'INSERT' or old is distinct from new then
    perform lx.audit_row(tg_table_name, tg_argv, to_jsonb(new), false);
  end if;
  return null;
end
$$;
alter function lx.audit_note owner to lianxiao_auth;
revoke all on function lx.audit_note from public;
