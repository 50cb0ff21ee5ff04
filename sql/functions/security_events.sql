-- The security events after one that the journal has, in order. The oldest that is kept only lends its hash to the next: where a journal begins anew, its
-- first line must be provable, too. What the journal has may be forgotten now.
-- Takes the number of the journal's last event and how many at most. Returns number, time, what, body, hash and the hash before. Locks what security_forget locks.
create or replace function lx.security_events(p_after int8, p_limit int4)
returns table (no int8, at_ms int8, what text, body text, hash bytea, hash_before bytea)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  perform lx.security_forget(p_after);
  return query
  select e.no, e.at_ms, e.what, e.body, e.hash, case e.no when 1 then sha256('') else b.hash end
  from lx.security_event e
  left join lx.security_event b on b.no = e.no - 1
  where e.no > p_after and (e.no = 1 or b.no is not null)
  order by e.no limit p_limit;
end
$$;
alter function lx.security_events owner to lianxiao_auth;
revoke all on function lx.security_events from public;
grant execute on function lx.security_events to lianxiao_api, lianxiao_ops;
