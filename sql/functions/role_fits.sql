-- Does a role fit a unit? The office holders' roles (HEAD to CITY_ADMIN) are given at their own level only, LEAD_HEAD at a school; EXPERT and INSPECTOR anywhere.
-- Takes role and unit. Returns bool, false for unknown ones. Locks nothing.
create or replace function lx.role_fits(p_role int4, p_unit uuid) returns bool
language sql stable
as $$
  select exists (select from lx.role_capability c join lx.unit u on u.id = p_unit where c.role = p_role
                   and case when p_role between 2 and 5 then u.level = c.level when p_role = 8 then u.level = 3 else true end)
$$;
alter function lx.role_fits owner to lianxiao_auth;
revoke all on function lx.role_fits from public;
grant execute on function lx.role_fits to lianxiao_auth;
