-- May this person give (or take) this role at this unit? He needs manage_grants by a grant whose unit has the other one in its subtree and whose role is not lower.
-- Takes giver, role and unit. Returns bool. Locks nothing.
create or replace function lx.may_grant(p_by uuid, p_role int4, p_unit uuid) returns bool
language sql stable
as $$
  select exists (
    select from lx.grants_over(p_by, p_unit) g join lx.role_capability c on c.role = p_role
    where g.from_at <= now() and (g.ended_at is null or g.ended_at > now()) and g.mask & 2048 <> 0 and g.level <= c.level)
$$;
alter function lx.may_grant owner to lianxiao_auth;
revoke all on function lx.may_grant from public;
grant execute on function lx.may_grant to lianxiao_auth;
