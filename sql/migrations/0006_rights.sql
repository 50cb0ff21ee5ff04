-- Who owns, reads and writes what, and row level security. Minimal: what is not granted here or by a function file is not there.
do $$
declare
  v_table text;
begin
  for v_table in select tablename from pg_tables where schemaname = 'lx' loop
    execute format('alter table lx.%I owner to lianxiao_owner', v_table);
    execute format('revoke all on lx.%I from public', v_table);
  end loop;
end
$$;

-- reference
grant select on lx.unit, lx.programme, lx.scheme, lx.role_capability, lx.epoch
  to lianxiao_api, lianxiao_writer, lianxiao_auth, lianxiao_assessor, lianxiao_ops;
grant insert, update on lx.unit, lx.programme, lx.scheme, lx.role_capability to lianxiao_writer;
grant update (units_changed_at) on lx.epoch to lianxiao_writer;
grant select on lx.role_grant, lx.device to lianxiao_writer;
grant update (frozen_at) on lx.device to lianxiao_writer;
grant select, insert, update on lx.role_grant, lx.device to lianxiao_auth;
grant select on lx.migration to lianxiao_api, lianxiao_assessor, lianxiao_ops;

-- logins
grant select, insert, update on lx.account, lx.session, lx.enrol_code to lianxiao_auth;
grant select, insert, update, delete on lx.login_failure to lianxiao_auth;
grant insert on lx.audit to lianxiao_auth, lianxiao_writer;

-- workers read their person's scope; all writing is in functions
grant select on lx.head, lx.fact, lx.submission, lx.person, lx.membership, lx.standing, lx.left_stream, lx.op_run, lx.rollup, lx.rollup_day
  to lianxiao_api;
grant select on lx.district_state to lianxiao_api, lianxiao_ops;

-- the writer's functions
grant select, insert, update on lx.head, lx.fact, lx.submission, lx.person, lx.membership, lx.left_stream, lx.import_key to lianxiao_writer;
grant delete on lx.import_key to lianxiao_writer;
grant select, insert on lx.op_run to lianxiao_writer;
grant select, update on lx.standing to lianxiao_writer;
grant insert on lx.todo, lx.district_state to lianxiao_writer;
grant select on lx.todo, lx.district_state to lianxiao_writer;

-- the assessor
grant select on lx.head, lx.fact, lx.submission, lx.person, lx.membership, lx.left_stream, lx.role_grant to lianxiao_assessor;
grant update (head, live, digest) on lx.head to lianxiao_assessor;
grant select, insert, update, delete on lx.standing, lx.rollup, lx.rollup_day, lx.todo, lx.stream_cursor to lianxiao_assessor;
grant select, update on lx.district_state to lianxiao_assessor;

-- Row level security, forced. The sub-selects matter: without them the casts run once per row.
do $$
declare
  v_table text;
  v_column text;
begin
  foreach v_table in array array['head', 'fact', 'submission', 'person', 'membership', 'standing', 'left_stream', 'op_run', 'import_key', 'rollup',
                                 'rollup_day', 'todo', 'stream_cursor', 'audit'] loop
    execute format('alter table lx.%I enable row level security', v_table);
    execute format('alter table lx.%I force row level security', v_table);
    execute format('create policy writer on lx.%I to lianxiao_writer using (true) with check (true)', v_table);
    execute format('create policy assessor on lx.%I to lianxiao_assessor using (true) with check (true)', v_table);
  end loop;
  foreach v_table in array array['head', 'fact', 'submission', 'person', 'membership', 'standing', 'left_stream', 'op_run', 'rollup', 'rollup_day'] loop
    v_column := case when v_table like 'rollup%' then 'unit' else 'stream' end;
    execute format($p$create policy scope on lx.%I for select to lianxiao_api using (
        district = any((select nullif(current_setting('lianxiao.districts', true), '')::int[])::int[])
        or %I = any((select nullif(current_setting('lianxiao.streams', true), '')::uuid[])::uuid[]))$p$, v_table, v_column);
  end loop;
end
$$;
create policy auth on lx.audit for insert to lianxiao_auth with check (true);
