-- May the person of the setting lianxiao.person do this over a unit's stream now? For statements that read under row level security and need more than `read`:
-- policies know whose rows they are, not what they are read for.
-- Takes the unit and a mask of capabilities. Returns bool, false for unknown units. Locks nothing.
create or replace function lx.may_here(p_unit uuid, p_mask int4) returns bool
language plpgsql stable security definer -- keeps its plan; a security definer in language sql is planned at every call
set search_path = pg_catalog, pg_temp
as $$
begin
  return lx.mask_over(nullif(current_setting('lianxiao.person', true), '')::uuid, p_unit) & p_mask = p_mask;
end
$$;
alter function lx.may_here owner to lianxiao_auth;
revoke all on function lx.may_here from public;
grant execute on function lx.may_here to lianxiao_api;
