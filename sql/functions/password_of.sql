-- The hash against which an old password is checked; counts as an attempt like login_lookup.
-- Takes person and device. Returns account name, hash (null: wait) and wait_ms; no row: no such account. Locks as login_lookup.
create or replace function lx.password_of(p_person uuid, p_device bytea) returns table (account text, hash text, wait_ms int8)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select a.account, l.hash, l.wait_ms from lx.account a cross join lateral lx.login_lookup(a.account, p_device) l
  where a.person = p_person and a.disabled_at is null;
end
$$;
alter function lx.password_of owner to lianxiao_auth;
revoke all on function lx.password_of from public;
grant execute on function lx.password_of to lianxiao_api;
