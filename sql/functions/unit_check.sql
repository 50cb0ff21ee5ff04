-- Checks one row of a unit file against the database and the rest of the file.
-- Takes the columns of unit_import and the row's place. Returns 0 good, 4 parent unknown, 5 level or district does not fit, 6 known under another parent (unit_move). Locks nothing.
create or replace function lx.unit_check(p_parent_code text[], p_level int4[], p_code text[], p_district int4[], p_row int4) returns int4
language plpgsql stable
as $$
declare
  v_old lx.unit;
  v_parent record;
begin
  select u.* into v_old from lx.unit u where u.code = p_code[p_row];
  if p_level[p_row] = 1 then
    return case when p_parent_code[p_row] is null and coalesce(p_district[p_row], 0) = 0
                     and not exists (select from lx.unit u where u.level = 1 and u.code <> p_code[p_row])
                     and (select count(*) from unnest(p_level) l where l = 1) = 1 then 0 else 5 end;
  end if;
  select r.* into v_parent from (
    select f.level, f.district from unnest(p_code, p_level, p_district) f (code, level, district) where f.code = p_parent_code[p_row]
    union all
    select u.level, u.district from lx.unit u where u.code = p_parent_code[p_row]) r limit 1;
  if v_parent is null then
    return 4;
  end if;
  return case
    when v_old.id is null and exists (select from lx.unit u where u.code = p_parent_code[p_row] and u.closed_at is not null) then 5
    when v_parent.level <> p_level[p_row] - 1 then 5
    when v_old.level <> p_level[p_row] then 5
    when p_parent_code[p_row] <> (select u.code from lx.unit u where u.id = v_old.parent) then 6
    when p_level[p_row] = 2 and (coalesce(p_district[p_row], 0) < 1
         or exists (select from lx.unit u where u.level = 2 and u.district = p_district[p_row] and u.code <> p_code[p_row])
         or (select count(*) from unnest(p_level, p_district) f (level, district) where f.level = 2 and f.district = p_district[p_row]) > 1) then 5
    when p_level[p_row] = 2 and v_old.district <> p_district[p_row] then 5
    when p_level[p_row] > 2 and p_district[p_row] <> v_parent.district then 5
    else 0
  end;
end
$$;
alter function lx.unit_check owner to lianxiao_writer;
revoke all on function lx.unit_check from public;
grant execute on function lx.unit_check to lianxiao_writer;
