-- Forgets security events that are older than 35 days and that the journal has. Its last one stays, and the newest of the old ones: the next one's hash is made from it
-- (security_events). What the journal lacks stays however old it is: without it nothing could ever be added to the journal again. It lacks something old after an outage, a
-- holiday that began with one, or a clock that jumped.
-- Takes the number of the journal's last event; null: no journal is kept (the assessor says so). Returns how many went. Locks them and, advisory, out who forgets meanwhile.
create or replace function lx.security_forget(p_has int8) returns int8
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before_ms constant int8 := lx.unix_ms(clock_timestamp()) - 35::int8 * 24 * 3600 * 1000;
  v_rows int8;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('lx.security_forget', 0)) then
    return 0;
  end if;
  delete from lx.security_event e
  where e.no < (select max(o.no) from lx.security_event o where o.at_ms < v_before_ms) and (p_has is null or e.no < p_has);
  get diagnostics v_rows = row_count;
  return v_rows;
end
$$;
alter function lx.security_forget owner to lianxiao_auth;
revoke all on function lx.security_forget from public;
grant execute on function lx.security_forget to lianxiao_assessor;
comment on index lx.security_event_at is 'read by: security_forget (events older than 35 days)';
