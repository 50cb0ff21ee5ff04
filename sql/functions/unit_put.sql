-- Stores one checked unit as a row of the city's stream; a new one gets its stream's head. Schools and workshops that are new or have other attributes are
-- put on todo, with the school above.
-- Takes id (for a new one; null: one is made), parent's code, level, code, name, district (districts only), printed size and attributes.
-- Returns 1 added, 2 changed, 3 same. Locks the city's head.
create or replace function lx.unit_put(
  p_id uuid, p_parent_code text, p_level int4, p_code text, p_name text, p_district int4, p_printed_size int4, p_attributes bytea
) returns int4
language plpgsql
as $$
#variable_conflict use_column
declare
  v_old lx.unit;
  v_parent lx.unit;
  v_city uuid;
  v_id uuid := coalesce(p_id, lx.uuid7());
  v_district int4;
begin
  select u.* into v_old from lx.unit u where u.code = p_code;
  if v_old.id is not null then
    if (v_old.name, v_old.printed_size, v_old.attributes) is not distinct from (p_name, p_printed_size, p_attributes) then
      return 3;
    end if;
    update lx.unit u
    set name = p_name, printed_size = p_printed_size, attributes = p_attributes, version = v_old.version + 1,
        seq = lx.head_add(0, v_old.path[1], 0, lx.row_digest(v_old.id, v_old.version) # lx.row_digest(v_old.id, v_old.version + 1))
    where u.id = v_old.id;
    insert into lx.todo (district, subject, level, lane)
    select v_old.district, v_old.id, v_old.level, 1
    where v_old.level in (3, 4) and v_old.attributes is distinct from p_attributes;
    return 2;
  end if;
  select u.* into v_parent from lx.unit u where u.code = p_parent_code;
  v_district := case p_level when 1 then 0 when 2 then p_district else v_parent.district end;
  v_city := coalesce(v_parent.path[1], v_id);
  insert into lx.head (district, stream) values (v_district, v_id);
  if p_level <= 2 then
    insert into lx.district_state (district) values (v_district);
  end if;
  insert into lx.unit (id, parent, level, district, printed_size, seq, code, name, path, attributes)
  values (v_id, v_parent.id, p_level, v_district, p_printed_size, lx.head_add(0, v_city, 1, lx.row_digest(v_id, 1)), p_code, p_name,
          coalesce(v_parent.path, '{}') || v_id, p_attributes);
  insert into lx.todo (district, subject, level, lane)
  select u.district, u.id, u.level, 1 from lx.unit u where u.id = any(array[v_id, v_parent.id]) and u.level in (3, 4);
  return 1;
end
$$;
alter function lx.unit_put owner to lianxiao_writer;
revoke all on function lx.unit_put from public;
grant execute on function lx.unit_put to lianxiao_writer;
