-- The security events that a journal lacks which ends with one of the database's own: proved by that event's number and hash. After a restore the journal's end may lie
-- before the database's: the server died between a change and its line, or the file was cut off (or is a former copy). The database cannot tell which; an operator can.
-- Takes number and hash of the journal's last event and how many at most. Returns number, time, what, and how many there are in all; no row: the journal lacks nothing, is
-- another database's, or ends before what is kept (35 days). Locks nothing.
create or replace function lx.security_lacking(p_no int8, p_hash bytea, p_limit int4)
returns table (no int8, at text, what text, total int8)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select e.no, date_trunc('second', to_timestamp(e.at_ms / 1000.0))::text, e.what, count(*) over ()
  from lx.security_event e
  where e.no > p_no and exists (select from lx.security_event j where j.no = p_no and j.hash = p_hash)
  order by e.no limit p_limit;
end
$$;
alter function lx.security_lacking owner to lianxiao_auth;
revoke all on function lx.security_lacking from public;
grant execute on function lx.security_lacking to lianxiao_ops;
