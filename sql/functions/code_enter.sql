-- Enters an enrolment code, with its audit row.
-- Takes who issues it (person, or operator), the unit, lookup, hash and hours it is valid. Returns verdict 1 done, 3 lookup taken, and its end.
-- Locks nothing. A lookup of a used or expired code is free again.
create or replace function lx.code_enter(p_by uuid, p_operator text, p_device bytea, p_unit uuid, p_lookup text, p_hash bytea, p_hours int4)
returns table (verdict int4, until_at timestamptz)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_until constant timestamptz := now() + least(greatest(coalesce(p_hours, 72), 1), 720) * interval '1 hour';
begin
  insert into lx.enrol_code as c (lookup, code_hash, unit, issued_by, until_at) values (p_lookup, p_hash, p_unit, p_by, v_until)
  on conflict (lookup) do update
  set code_hash = excluded.code_hash, unit = excluded.unit, issued_by = excluded.issued_by, issued_at = now(), until_at = excluded.until_at, tries = 0, used_at = null
  where c.used_at is not null or c.until_at <= now() or c.tries >= 5;
  if not found then
    return query select 3, null::timestamptz;
    return;
  end if;
  perform lx.audit_add(p_by, p_operator, p_device, 'code_issue', p_unit, p_lookup, null);
  return query select 1, v_until;
end
$$;
alter function lx.code_enter owner to lianxiao_auth;
revoke all on function lx.code_enter from public;
grant execute on function lx.code_enter to lianxiao_auth;
