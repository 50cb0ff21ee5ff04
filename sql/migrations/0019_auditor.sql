-- An auditor reads what the audit chain covers, and nothing else: not the secrets of the login service, no function, no writing.
do $$
begin
  if not exists (select from pg_roles where rolname = 'lianxiao_auditor') then
    create role lianxiao_auditor login;
  end if;
end
$$;
alter role lianxiao_auditor set search_path = lx;
alter role lianxiao_auditor set default_transaction_read_only = on;
grant usage on schema lx to lianxiao_auditor;
grant select on lx.unit, lx.programme, lx.scheme, lx.role_capability, lx.role_grant, lx.device, lx.head, lx.fact, lx.submission, lx.person, lx.membership, lx.standing,
  lx.transit, lx.op_run, lx.district_state, lx.audit, lx.seal, lx.seal_cursor to lianxiao_auditor;
grant select (person, created_at, disabled_at, must_change, account, name) on lx.account to lianxiao_auditor;
do $$
declare
  v_table text;
begin
  foreach v_table in array array['head', 'fact', 'submission', 'person', 'membership', 'standing', 'transit', 'op_run', 'audit', 'seal', 'seal_cursor'] loop
    execute format('create policy auditor on lx.%I for select to lianxiao_auditor using (true)', v_table);
  end loop;
end
$$;
