-- Ready to be split, and closed by default: what every table, index, policy and function must have.
begin;
select plan(23);
create temp view t as
  select c.oid, c.relname, coalesce(obj_description(c.oid), '') as comment, c.relrowsecurity, c.relforcerowsecurity, c.relowner::regrole::text as owner
  from pg_class c where c.relnamespace = 'lx'::regnamespace and c.relkind in ('r', 'p');

select is_empty($$ select relname from t where comment !~ '^(distributed|reference|local): ' $$, 'every table is declared distributed, reference or local');
select is_empty($$ select relname from t where owner <> 'lianxiao_owner' $$, 'every table belongs to the owner');
select is_empty($$ select t.relname, i.indexrelid::regclass from t join pg_index i on i.indrelid = t.oid
                   where comment like 'distributed:%' and (select attname from pg_attribute where attrelid = t.oid and attnum = i.indkey[0]) is distinct from 'district' $$,
                'every index of a distributed table starts with the district');
select is_empty($$ select t.relname, c.conname from t join pg_constraint c on c.conrelid = t.oid
                   where comment like 'distributed:%' and c.contype in ('p', 'u', 'f')
                     and (select attname from pg_attribute where attrelid = t.oid and attnum = c.conkey[1]) is distinct from 'district' $$,
                'so do its primary, unique and foreign keys');
select is_empty($$ select t.relname from t where comment like 'distributed:%' and not exists (select from pg_constraint c where c.conrelid = t.oid and c.contype = 'p') $$,
                'every distributed table has a primary key');
select is_empty($$ select relname from pg_class where relnamespace = 'lx'::regnamespace and relkind = 'S' $$, 'no sequences, so no serials');
select is_empty($$ select t.relname, a.attname from t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
                   where a.attidentity <> '' or a.atttypid in ('xid'::regtype, 'xid8'::regtype, 'tid'::regtype, 'pg_lsn'::regtype) $$, 'no identity columns, no xid, ctid or LSN as data');
select is_empty($$ select indexrelid::regclass from pg_index i join t on t.oid = i.indrelid
                   where coalesce(obj_description(i.indexrelid), '') !~ '^read by: .' $$, 'every index names its reader');
select is((select count(*) from pg_index where indrelid = 'lx.fact'::regclass), 3::int8, 'the fact table has three indexes');

-- row level security
create temp view unit_data as select * from t where comment like 'distributed:%' and relname <> 'district_state';
select is_empty($$ select relname from unit_data where not (relrowsecurity and relforcerowsecurity) $$, 'row level security is enabled and forced on every table with unit data');
select is_empty($$ select u.relname, p.polname from unit_data u join pg_policy p on p.polrelid = u.oid
                   where p.polroles @> array['lianxiao_api'::regrole::oid]
                     and replace(pg_get_expr(p.polqual, p.polrelid), 'unit = ANY', 'stream = ANY') <>
                       '((district = ANY (( SELECT (NULLIF(current_setting(''lianxiao.districts''::text, true), ''''::text))::integer[] AS "nullif")::integer[])) '
                       || 'OR (stream = ANY (( SELECT (NULLIF(current_setting(''lianxiao.streams''::text, true), ''''::text))::uuid[] AS "nullif")::uuid[])))' $$,
                'the workers'' policy has the sub-select form');
select is_empty($$ select u.relname from unit_data u where has_table_privilege('lianxiao_api', u.oid, 'select')
                     and not exists (select from pg_policy p where p.polrelid = u.oid and p.polroles @> array['lianxiao_api'::regrole::oid]) $$, 'every table that workers read has it');
select is_empty($$ select t.relname, r.role, k.privilege from t, unnest(array['lianxiao_api', 'lianxiao_ops']) r (role), unnest(array['insert', 'update', 'delete', 'truncate']) k (privilege)
                   where has_table_privilege(r.role, t.oid, k.privilege) $$, 'workers and operators write through functions only');
select is_empty($$ select t.relname from t where has_table_privilege('lianxiao_ops', t.oid, 'select')
                     and relname in (select relname from unit_data union select unnest(array['account', 'session', 'login_failure', 'enrol_code', 'device', 'role_grant'])) $$, 'operators read no unit data and no logins');
select is_empty($$ select relname from unit_data where relname <> 'audit' and has_table_privilege('lianxiao_auth', oid, 'select, insert, update, delete') $$, 'the login service has no unit data');

-- the auditor
select is_empty($$ select t.relname, k.privilege from t, unnest(array['insert', 'update', 'delete', 'truncate', 'trigger']) k (privilege)
                   where has_table_privilege('lianxiao_auditor', t.oid, k.privilege) or (k.privilege in ('insert', 'update') and has_any_column_privilege('lianxiao_auditor', t.oid, k.privilege)) $$,
                'an auditor writes nowhere');
select is_empty($$ select t.relname, a.attname from t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0
                   where (t.relname in ('session', 'enrol_code', 'login_failure', 'security_event') or a.attname like 'password%')
                     and has_column_privilege('lianxiao_auditor', t.oid, a.attnum, 'select') $$, 'and reads no secrets');
select is_empty($$ select p.oid::regprocedure from pg_proc p where p.pronamespace = 'lx'::regnamespace and has_function_privilege('lianxiao_auditor', p.oid, 'execute') $$,
                'nor calls a function');

-- functions
select is_empty($$ select p.oid::regprocedure from pg_proc p where p.pronamespace = 'lx'::regnamespace and has_function_privilege('public', p.oid, 'execute') $$, 'no function is open to everybody');
select is_empty($$ select p.oid::regprocedure from pg_proc p where p.pronamespace = 'lx'::regnamespace and p.prosecdef
                     and (not coalesce(array_to_string(p.proconfig, ',') ~ 'search_path=pg_catalog, pg_temp', false)
                          or p.proowner::regrole::text not in ('lianxiao_writer', 'lianxiao_auth', 'lianxiao_carrier')) $$, 'definers'' functions fix their search path and belong to writer, auth or carrier');
select is_empty($$ select p.oid::regprocedure from pg_proc p where p.pronamespace = 'lx'::regnamespace and p.prosecdef and has_function_privilege('lianxiao_api', p.oid, 'execute')
                     and p.proname not in ('push', 'bundle_check', 'push_roster', 'roster_of', 'facts_by_id', 'figures_cover', 'may_here', 'seal_heads', 'grant_find', 'login_lookup', 'login_result', 'session_open', 'session_resume', 'session_close', 'session_alive',
                       'password_of', 'password_change', 'enrol_code_check', 'enrol_finish', 'device_check', 'device_renewed', 'scope_of', 'code_issue', 'user_add', 'grant_add', 'grant_revoke', 'epoch_check', 'security_events') $$,
                'workers call no other function with rights above theirs');
select is_empty($$ select oid::regclass from pg_class where relnamespace = 'lx'::regnamespace and (relkind = 'm' or (relkind = 'v' and not coalesce('security_invoker=true' = any(reloptions), false))) $$,
                'no materialised views, and views run with the caller''s rights');
select is_empty($$ select t.relname, a.attname from t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0
                   where t.relname in ('fact', 'op_run', 'standing', 'left_stream', 'head', 'import_key', 'rollup', 'todo', 'audit') and a.attname ~ 'name|title|label|account|teacher_no' $$,
                'facts, operations, figures and audit have no column for names');
select finish();
rollback;
