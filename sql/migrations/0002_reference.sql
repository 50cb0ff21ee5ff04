-- Reference tables: small, the same in every database cell, no row level security (nothing here is one unit's own).

create table lx.unit (
  id uuid primary key,
  parent uuid references lx.unit (id),
  level int4 not null check (level between 1 and 4),
  district int4 not null check (district >= 0),
  printed_size int4,
  seq int8 not null,
  version int8 not null default 1,
  code text not null check (code <> ''),
  name text not null check (name <> ''),
  path uuid[] not null,
  attributes bytea,
  check ((level = 1) = (parent is null)),
  check ((level = 1) = (district = 0)),
  check (cardinality(path) = level)
);
comment on table lx.unit is 'reference: city, districts, schools, workshops; a unit''s id is its stream; rows of the city''s stream';
comment on column lx.unit.path is 'ids from the city down to the unit itself';
comment on column lx.unit.attributes is 'packed lx.Unit with attributes only';
comment on index lx.unit_pkey is 'read by: push, scope checks';
create unique index unit_code on lx.unit (code);
comment on index lx.unit_code is 'read by: unit_import, code_issue, user_add, grant_add';
create unique index unit_seq on lx.unit (seq);
comment on index lx.unit_seq is 'read by: pull, units';
create index unit_path on lx.unit using gin (path);
comment on index lx.unit_path is 'read by: scope_of, push_roster, todo_subtree';

create table lx.programme (
  number int4 primary key check (number > 0),
  id uuid not null unique,
  scheme_version int4 not null,
  seq int8 not null,
  version int8 not null default 1,
  code text not null unique,
  started_at timestamptz not null default now()
);
comment on table lx.programme is 'reference: programmes with their current scheme version; rows of the city''s stream';
comment on index lx.programme_pkey is 'read by: pull, assessor';
comment on index lx.programme_id_key is 'read by: programme_start';
comment on index lx.programme_code_key is 'read by: scheme_load';

create table lx.scheme (
  programme int4 not null references lx.programme (number),
  version int4 not null check (version > 0),
  loaded_at timestamptz not null default now(),
  scheme bytea not null,
  primary key (programme, version)
);
comment on table lx.scheme is 'reference: every version of every scheme, canonical lx.Scheme';
comment on index lx.scheme_pkey is 'read by: pull, workers, assessor';

create table lx.role_capability (
  role int4 primary key,
  mask int4 not null,
  level int4 not null check (level between 1 and 4)
);
comment on table lx.role_capability is 'reference: what each role may do (1 << capability), and its level for granting; written by lianxiaoctl migrate';
comment on index lx.role_capability_pkey is 'read by: grants_over';

create table lx.epoch (
  db_epoch bytea primary key check (octet_length(db_epoch) = 16),
  started_at timestamptz not null default now(),
  units_changed_at timestamptz not null default now()
);
comment on table lx.epoch is 'reference: one row; changes when a database is restored';
comment on index lx.epoch_pkey is 'read by: nothing, keeps the row single';
insert into lx.epoch (db_epoch) values (decode(replace(gen_random_uuid()::text, '-', ''), 'hex'));

create table lx.role_grant (
  id uuid primary key,
  person uuid not null,
  unit uuid not null references lx.unit (id),
  role int4 not null references lx.role_capability (role),
  from_at timestamptz not null,
  until_at timestamptz,
  given_at timestamptz not null default now(),
  revoked_at timestamptz,
  for_cause bool not null default false,
  given_by uuid,
  check (until_at > from_at)
);
comment on table lx.role_grant is 'reference: who may what where, dated; rows are never deleted';
comment on index lx.role_grant_pkey is 'read by: grant_revoke';
create index role_grant_person on lx.role_grant (person);
comment on index lx.role_grant_person is 'read by: grants_over, scope_of';
create index role_grant_unit on lx.role_grant (unit);
comment on index lx.role_grant_unit is 'read by: roster_of (offices)';

create table lx.device (
  device bytea primary key check (octet_length(device) = 32),
  unit uuid not null references lx.unit (id),
  enrolled_at timestamptz not null default now(),
  certificate_until timestamptz not null,
  revoked_at timestamptz,
  frozen_at timestamptz,
  label text not null
);
comment on table lx.device is 'reference: enrolled devices; device = SHA-256 of the public key';
comment on index lx.device_pkey is 'read by: push, device_check, session_resume';

insert into lx.role_capability (role, mask, level) values
  (2, 4119, 4),    -- HEAD
  (3, 7995, 3),    -- SCHOOL_ADMIN
  (4, 16321, 2),   -- DISTRICT_ADMIN
  (5, 16321, 1),   -- CITY_ADMIN
  (6, 129, 2),     -- EXPERT
  (7, 4097, 2);    -- INSPECTOR
