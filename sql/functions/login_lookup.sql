-- What a login needs: the password's hash, or a wait. Counts the attempt as a failure at once (login_result takes it back), so parallel guesses count, too.
-- Takes account name and device. Returns one row; person null: unknown, disabled or to wait (the caller does the same work and gives the same answer).
-- Locks the row (account, device) of login_failure.
create or replace function lx.login_lookup(p_account text, p_device bytea)
returns table (person uuid, name text, hash text, must_change bool, wait_ms int8)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_wait int8;
begin
  perform pg_advisory_xact_lock(hashtextextended('lx.login ' || p_account, 0));
  v_wait := lx.login_wait(p_account, p_device);
  if v_wait > 0 then
    return query select null::uuid, null::text, null::text, false, v_wait;
    return;
  end if;
  insert into lx.login_failure as f (account, device, failures, last_at) values (p_account, p_device, 1, clock_timestamp())
  on conflict (account, device) do update
  set failures = case when f.last_at > now() - interval '1 hour' then f.failures + 1 else 1 end, last_at = excluded.last_at;
  return query
  select a.person, a.name, a.password_hash, coalesce(a.must_change, false), 0::int8
  from (values (1)) one (row) left join lx.account a on a.account = p_account and a.disabled_at is null;
end
$$;
alter function lx.login_lookup owner to lianxiao_auth;
revoke all on function lx.login_lookup from public;
grant execute on function lx.login_lookup to lianxiao_api;
