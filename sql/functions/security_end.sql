-- Ends what one row gives: a security event about it cannot be stored or replayed, so what a former version of the row gave is in force no longer. A row that is not there gives nothing.
-- Takes the table's name (one of those that security_note watches) and the row as JSON. Returns nothing. Locks the row.
create or replace function lx.security_end(p_what text, p_body jsonb) returns void
language plpgsql
as $$
declare
  v_now constant timestamptz := clock_timestamp();
begin
  if p_what = 'role_grant' then
    update lx.role_grant g
    set revoked_at = coalesce(g.revoked_at, v_now), for_cause = g.for_cause or coalesce((p_body ->> 'for_cause')::bool, false)
    where g.id = (p_body ->> 'id')::uuid and (g.revoked_at is null or not g.for_cause);
  elsif p_what = 'account' then
    update lx.account a set disabled_at = coalesce(a.disabled_at, v_now) where a.person = (p_body ->> 'person')::uuid and a.disabled_at is null;
  elsif p_what = 'device' then
    update lx.device d set revoked_at = coalesce(d.revoked_at, v_now) where d.device = (p_body ->> 'device')::bytea and d.revoked_at is null;
  elsif p_what = 'enrol_code' then
    update lx.enrol_code c set used_at = coalesce(c.used_at, v_now) where c.lookup = p_body ->> 'lookup' and c.used_at is null;
  elsif p_what = 'session' then
    update lx.session s set closed_at = coalesce(s.closed_at, v_now) where s.token_hash = (p_body ->> 'token_hash')::bytea and s.closed_at is null;
  end if;
end
$$;
alter function lx.security_end owner to lianxiao_auth;
revoke all on function lx.security_end from public;
grant execute on function lx.security_end to lianxiao_auth;
