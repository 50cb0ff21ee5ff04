-- Local tables of the login service. Only functions of lianxiao_auth touch them.

create table lx.account (
  person uuid primary key,
  created_at timestamptz not null default now(),
  disabled_at timestamptz,
  must_change bool not null default true,
  account text not null unique check (account ~ '^[a-z0-9._-]{3,64}$'),
  name text not null,
  password_hash text not null
);
comment on table lx.account is 'local: accounts; password_hash is a crypt(3) string (yescrypt)';
comment on index lx.account_pkey is 'read by: session_open, session_resume, password_of';
comment on index lx.account_account_key is 'read by: login_lookup, grant_add';

create table lx.login_failure (
  account text not null,
  device bytea not null,
  failures int4 not null default 0,
  last_at timestamptz not null,
  success_at timestamptz,
  primary key (account, device)
);
comment on table lx.login_failure is 'local: failed logins since the last success, per account name (known or not) and device';
comment on index lx.login_failure_pkey is 'read by: login_lookup, login_result';

create table lx.session (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  person uuid not null references lx.account (person),
  device bytea not null references lx.device (device),
  opened_at timestamptz not null default now(),
  idle interval not null,
  idle_until timestamptz not null,
  until_at timestamptz not null,
  closed_at timestamptz
);
comment on table lx.session is 'local: logins; only the token''s SHA-256 is stored';
comment on index lx.session_pkey is 'read by: session_resume, session_alive, session_close';
create index session_person on lx.session (person) where closed_at is null;
comment on index lx.session_person is 'read by: password_change, ops_user_reset, ops_user_disable';

create table lx.enrol_code (
  lookup text primary key check (length(lookup) between 4 and 16),
  code_hash bytea not null check (octet_length(code_hash) = 32),
  unit uuid not null references lx.unit (id),
  issued_by uuid,
  issued_at timestamptz not null default now(),
  until_at timestamptz not null,
  tries int4 not null default 0,
  used_at timestamptz
);
comment on table lx.enrol_code is 'local: one-time codes for new devices; the code''s SHA-256 only';
comment on index lx.enrol_code_pkey is 'read by: enrol_code_check, enrol_finish';
