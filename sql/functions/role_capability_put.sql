-- Migrate: writes the table of roles as the programs know it.
-- Takes roles, masks (1 << capability) and levels. Returns nothing. Locks the changed rows.
create or replace function lx.role_capability_put(p_role int4[], p_mask int4[], p_level int4[]) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into lx.role_capability as c (role, mask, level) select * from unnest(p_role, p_mask, p_level)
  on conflict (role) do update set mask = excluded.mask, level = excluded.level
  where (c.mask, c.level) is distinct from (excluded.mask, excluded.level);
end
$$;
alter function lx.role_capability_put owner to lianxiao_writer;
revoke all on function lx.role_capability_put from public;
grant execute on function lx.role_capability_put to lianxiao_owner;
