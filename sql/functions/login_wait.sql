-- How long a device has to wait before the next attempt on an account: from the fifth failure on 1 s, doubled each time, at most 15 minutes.
-- A device that has logged in before counts its own failures only, so guessing elsewhere does not lock a person out; all others share one count.
-- Takes account name (known or not) and device. Returns milliseconds, 0 = now. Locks nothing.
create or replace function lx.login_wait(p_account text, p_device bytea) returns int8
language plpgsql stable
as $$
declare
  v_failures int8;
  v_last timestamptz;
  v_known bool;
begin
  v_known := exists (select from lx.login_failure f where f.account = p_account and f.device = p_device and f.success_at is not null);
  select sum(f.failures), max(f.last_at) into v_failures, v_last
  from lx.login_failure f
  where f.account = p_account and f.failures > 0 and f.last_at > now() - interval '1 hour'
    and case when v_known then f.device = p_device else f.success_at is null end;
  if coalesce(v_failures, 0) < 5 then
    return 0;
  end if;
  return greatest(0, ceil(extract(epoch from v_last + least(2 ^ least(v_failures - 5, 20), 900) * interval '1 second' - clock_timestamp()) * 1000))::int8;
end
$$;
alter function lx.login_wait owner to lianxiao_auth;
revoke all on function lx.login_wait from public;
grant execute on function lx.login_wait to lianxiao_auth;
