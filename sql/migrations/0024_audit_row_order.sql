-- What is written about one row of rights, units or accounts is put in order by audit.at, which must not go back when a clock is set back.
create index audit_row_target on lx.audit (district, target, at) where action = 'row';
comment on index lx.audit_row_target is 'read by: audit_row (the newest time of a row)';
grant select (district, action, target, at) on lx.audit to lianxiao_auth;
create policy audit_row_times on lx.audit for select to lianxiao_auth using (action = 'row');
