-- Old failures go with the next login, also those of names that nobody tries again.
create index login_failure_age on lx.login_failure (last_at) where success_at is null;
comment on index lx.login_failure_age is 'read by: login_result (rows older than a day)';
