-- Enters a grant, with its audit row.
-- Takes who gives it (person, or operator), the person who gets it, role, unit, dates and the grant's id (null: one is made). Returns the id. Locks nothing.
create or replace function lx.grant_enter(
  p_by uuid, p_operator text, p_device bytea, p_person uuid, p_role int4, p_unit uuid, p_from_at timestamptz, p_until_at timestamptz, p_grant uuid
) returns uuid
language plpgsql
as $$
declare
  v_id constant uuid := coalesce(p_grant, lx.uuid7());
begin
  insert into lx.role_grant (id, person, unit, role, from_at, until_at, given_by)
  values (v_id, p_person, p_unit, p_role, coalesce(p_from_at, now()), p_until_at, p_by);
  perform lx.audit_add(p_by, p_operator, p_device, 'grant', p_unit, v_id::text,
                       jsonb_build_object('person', p_person, 'role', p_role, 'from', p_from_at, 'until', p_until_at));
  return v_id;
end
$$;
alter function lx.grant_enter owner to lianxiao_auth;
revoke all on function lx.grant_enter from public;
grant execute on function lx.grant_enter to lianxiao_auth;
