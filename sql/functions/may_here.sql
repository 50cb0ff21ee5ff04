-- May the person of the setting lianxiao.person do this now over a unit that lies there? For statements that read under row level security and need more than `read`:
-- policies know whose rows they are, not what they are read for. Whoever asks has just read the unit, and need not read it again here.
-- Takes the unit's columns path, former and former_until, and the bit of one capability. Returns bool. Locks nothing.
drop function if exists lx.may_here(uuid, int4);
create or replace function lx.may_here(p_path uuid[], p_former uuid[], p_former_until timestamptz[], p_bit int4) returns bool
language plpgsql stable security definer -- keeps its plan; a security definer in language sql is planned at every call
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from lx.grants_along(nullif(current_setting('lianxiao.person', true), '')::uuid, p_path, p_former, p_former_until) g
    where g.mask & p_bit <> 0 and g.from_at <= now() and (g.ended_at is null or g.ended_at > now()));
end
$$;
alter function lx.may_here owner to lianxiao_auth;
revoke all on function lx.may_here from public;
grant execute on function lx.may_here to lianxiao_api;
