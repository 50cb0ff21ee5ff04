-- Migrate: gives every table whose rows are audited by their content the trigger audit_note. What is there already is audited as it stands when its table gets the trigger, or
-- other columns than the trigger's comment remembers.
-- Takes nothing. Returns nothing. Locks the tables that it changes. Runs as soon as it is there; its name comes after those of what it uses.
create or replace function lx.watch_rows() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set bytea_output = 'hex'
as $$
declare
  v_what text[];
  v_columns text;
begin
  foreach v_what slice 1 in array array[['unit', 'id', null], ['programme', 'number', null], ['scheme', 'programme', 'version'], ['role_capability', 'role', null],
                                        ['role_grant', 'id', null], ['device', 'device', null], ['account', 'person', null]] loop
    select string_agg(a.attname, ' ' order by a.attnum) into strict v_columns
    from pg_attribute a where a.attrelid = format('lx.%I', v_what[1])::regclass and a.attnum > 0 and not a.attisdropped;
    continue when v_columns = (select obj_description(t.oid, 'pg_trigger') from pg_trigger t
                               where t.tgrelid = format('lx.%I', v_what[1])::regclass and t.tgname = 'audit_note');
    execute format('drop trigger if exists audit_note on lx.%I', v_what[1]);
    execute format('create trigger audit_note after insert or update or delete on lx.%I for each row execute function lx.audit_note(%s)',
                   v_what[1], array_to_string(v_what[2:3], ', '));
    execute format('comment on trigger audit_note on lx.%I is %L', v_what[1], v_columns);
    execute format('select lx.audit_row(%L, %L, to_jsonb(t), false) from lx.%I t', v_what[1], array_remove(v_what[2:3], null), v_what[1]);
  end loop;
end
$$;
revoke all on function lx.watch_rows from public;
do $$ begin perform lx.watch_rows(); end $$;
