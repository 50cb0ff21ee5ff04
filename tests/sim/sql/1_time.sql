-- Time and randomness of the simulated database: every function and column default of the schema asks the simulation instead of the machine.
create function lx.sim_uuid() returns uuid volatile language sql as $$ select md5(random()::text || random()::text)::uuid $$;
-- The audit orders what is written about a row by its time, to the microsecond: no two have the same, as on a machine.
create function lx.sim_tick() returns timestamptz volatile language plpgsql as $$
declare
  v_us constant int8 := greatest(coalesce(nullif(current_setting('sim.tick', true), '')::int8, 0) + 1, current_setting('sim.now')::int8);
begin
  perform set_config('sim.tick', v_us::text, true);
  return to_timestamp(0) + v_us * interval '1 microsecond';
end
$$;
do $$
declare
  v_function record;
  v_text text;
begin
  for v_function in
    select p.oid from pg_proc p where p.pronamespace = 'lx'::regnamespace and p.proname not like 'sim\_%' and p.prokind = 'f' order by p.oid
  loop
    v_text := regexp_replace(pg_get_functiondef(v_function.oid), '\m(clock_timestamp|transaction_timestamp|statement_timestamp|now)\(\)', 'lx.sim_now()', 'g');
    v_text := regexp_replace(v_text, '\mcurrent_timestamp\M', 'lx.sim_now()', 'g');
    v_text := regexp_replace(v_text, '\mgen_random_uuid\(\)', 'lx.sim_uuid()', 'g');
    if v_text <> pg_get_functiondef(v_function.oid) then
      execute v_text;
    end if;
  end loop;
  for v_function in
    select d.adrelid::regclass as tab, a.attname, pg_get_expr(d.adbin, d.adrelid) as expression
    from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum join pg_class c on c.oid = d.adrelid
    where c.relnamespace = 'lx'::regnamespace
  loop
    v_text := regexp_replace(v_function.expression, '\m(clock_timestamp|statement_timestamp|now)\(\)', 'lx.sim_now()', 'g');
    v_text := regexp_replace(v_text, '\mgen_random_uuid\(\)', 'lx.sim_uuid()', 'g');
    if v_text <> v_function.expression then
      execute format('alter table %s alter column %I set default %s', v_function.tab, v_function.attname, v_text);
    end if;
  end loop;
end
$$;
alter table lx.audit alter column at set default lx.sim_tick();
create or replace function lx.epoch_identity() returns table (system_identifier int8, timeline int8, database_oid int8) language sql stable
as $$ select 1::int8, current_setting('sim.timeline')::int8, 1::int8 $$;
select set_config('sim.timeline', '1', true), set_config('sim.now', (extract(epoch from timestamptz '2021-09-09T00:00:00Z') * 1000000)::int8::text, true), setseed(0.5);
update lx.epoch set db_epoch = decode(md5('epoch'), 'hex'), started_at = lx.sim_now(), units_changed_at = lx.sim_now();
