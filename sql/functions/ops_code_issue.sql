-- Operator: issues an enrolment code.
-- Takes operator, unit code, lookup, hash, hours. Returns verdict (2: unknown unit) and its end. Locks nothing.
create or replace function lx.ops_code_issue(p_operator text, p_unit_code text, p_lookup text, p_hash bytea, p_hours int4)
returns table (verdict int4, until_at timestamptz)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_unit uuid;
begin
  select u.id into v_unit from lx.unit u where u.code = p_unit_code;
  if v_unit is null then
    return query select 2, null::timestamptz;
  else
    return query select * from lx.code_enter(null, p_operator, null, v_unit, p_lookup, p_hash, p_hours);
  end if;
end
$$;
alter function lx.ops_code_issue owner to lianxiao_auth;
revoke all on function lx.ops_code_issue from public;
grant execute on function lx.ops_code_issue to lianxiao_ops;
