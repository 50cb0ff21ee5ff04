-- Checks an enrolment code before the server signs anything. A wrong code with a known lookup costs it one of 5 tries.
-- Takes lookup (first characters) and the SHA-256 of the whole code. Returns 1 good or 2 not valid, with the unit it is for. Locks the code's row.
create or replace function lx.enrol_code_check(p_lookup text, p_hash bytea) returns table (verdict int4, unit uuid, district int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_code lx.enrol_code;
begin
  select c.* into v_code from lx.enrol_code c where c.lookup = p_lookup and c.used_at is null and c.until_at > now() and c.tries < 5 for update;
  if not found then
    return query select 2, null::uuid, null::int4;
  elsif v_code.code_hash <> p_hash then
    update lx.enrol_code c set tries = c.tries + 1 where c.lookup = p_lookup;
    return query select 2, null::uuid, null::int4;
  else
    return query select 1, u.id, u.district from lx.unit u where u.id = v_code.unit;
  end if;
end
$$;
alter function lx.enrol_code_check owner to lianxiao_auth;
revoke all on function lx.enrol_code_check from public;
grant execute on function lx.enrol_code_check to lianxiao_api;
