-- What the database remembers of the cluster it lives in, whether it is open for clients, and the security events that the journal carries off the machine.
alter table lx.epoch
  add column system_identifier int8,
  add column timeline int8,
  add column database_oid int8,
  add column opened_at timestamptz default now();
comment on table lx.epoch is 'reference: one row; changes when a database is restored, promoted or loaded into another cluster';
comment on column lx.epoch.system_identifier is 'of the cluster, with timeline and database_oid what a restore changes; null: not looked at yet';
comment on column lx.epoch.opened_at is 'null: a new epoch that is not open for clients before the security journal was replayed, or the operator does without';
grant update (db_epoch, started_at, units_changed_at, system_identifier, timeline, database_oid, opened_at) on lx.epoch to lianxiao_auth;

create table lx.security_head (
  no int8 primary key,
  hash bytea not null check (octet_length(hash) = 32),
  rights_no int8 not null default 0
);
comment on table lx.security_head is 'local: one row; number and hash of the last security event';
comment on column lx.security_head.rights_no is 'the last that may take something from somebody: a grant, an account, a device; not every login and code';
comment on index lx.security_head_pkey is 'read by: nothing, keeps the row single';
insert into lx.security_head (no, hash) values (0, sha256(''));

create table lx.security_event (
  no int8 primary key,
  at_ms int8 not null,
  what text not null,
  body text not null,
  hash bytea not null
);
comment on table lx.security_event is 'local: every change of grants, accounts, devices, codes and sessions of the last 35 days, chained; what the security journal copies';
comment on column lx.security_event.body is 'the row after the change, JSON; password and token hashes only';
comment on column lx.security_event.hash is 'sha256(hash of the event before || no, at_ms, what, body)';
comment on index lx.security_event_pkey is 'read by: security_events';
create index security_event_at on lx.security_event (at_ms);
comment on index lx.security_event_at is 'read by: security_note (events older than 35 days)';

alter table lx.security_head owner to lianxiao_owner;
alter table lx.security_event owner to lianxiao_owner;
grant select, update on lx.security_head to lianxiao_auth;
grant select, insert, delete on lx.security_event to lianxiao_auth;
