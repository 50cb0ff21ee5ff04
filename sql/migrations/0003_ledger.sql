-- Distributed tables: heads, facts, roster, standings, operations. Every key starts with the district.

create table lx.head (
  district int4 not null,
  stream uuid not null,
  head int8 not null default 0,
  live int8 not null default 0,
  digest int8 not null default 0,
  roster_version int8 not null default 1,
  pushed_at timestamptz,
  primary key (district, stream)
) with (fillfactor = 50);
comment on table lx.head is 'distributed: newest seq, live rows and their digest, per stream';
comment on column lx.head.digest is 'xor over live rows of the first 8 bytes of sha256(id, version), big-endian';
comment on index lx.head_pkey is 'read by: push, pull, heads_of';

create table lx.fact (
  seq int8 not null,
  occurred_at timestamptz,
  until_at timestamptz,
  quantity int8,
  received_at timestamptz not null,
  district int4 not null,
  programme int2 not null,
  kind int2 not null,
  flags int2 not null,
  stream uuid not null,
  id uuid not null,
  subject uuid not null,
  of_id uuid,
  actor uuid not null,
  item text,
  form text,
  source_key bytea,
  constraint fact_pkey primary key (district, id)
);
comment on table lx.fact is 'distributed: the ledger, append-only; only (stream, seq) change, when a subject moves';
comment on column lx.fact.flags is '1: accepted in good faith';
comment on index lx.fact_pkey is 'read by: facts_by_id, push (a record id twice)';
create unique index fact_seq on lx.fact (district, stream, seq);
comment on index lx.fact_seq is 'read by: pull, streams_advance';
create index fact_subject on lx.fact (district, stream, subject);
comment on index lx.fact_subject is 'read by: the assessor, move_subject';

create table lx.submission (
  district int4 not null,
  stream uuid not null,
  fact uuid not null,
  sha256 bytea not null,
  body bytea,
  erased_at timestamptz,
  primary key (district, fact),
  foreign key (district, fact) references lx.fact (district, id)
);
comment on table lx.submission is 'distributed: what a SUBMITTED fact brings along (packed lx.Submission); erasable, the hash stays';
comment on index lx.submission_pkey is 'read by: pull, facts_by_id, the assessor';

create table lx.import_key (
  district int4 not null,
  school uuid not null,
  source_key bytea not null check (octet_length(source_key) = 32),
  fact uuid not null,
  primary key (district, school, source_key)
);
comment on table lx.import_key is 'distributed: which fact an imported row has become, per school';
comment on index lx.import_key_pkey is 'read by: push (the same row again)';
create index import_key_fact on lx.import_key (district, fact);
comment on index lx.import_key_fact is 'read by: move_subject';

create table lx.person (
  district int4 not null,
  stream uuid not null,
  seq int8 not null,
  version int8 not null default 1,
  id uuid not null,
  birth_year int4,
  certificate bool not null default false,
  in_post bool not null default false,
  established bool not null default false,
  full_time bool not null default false,
  name text not null,
  teacher_no text,
  account text,
  title text,
  primary key (district, id)
);
comment on table lx.person is 'distributed: the roster; names and external ids live only here';
comment on index lx.person_pkey is 'read by: push_roster, the assessor';
create unique index person_seq on lx.person (district, stream, seq);
comment on index lx.person_seq is 'read by: pull, roster_of, the assessor';
create unique index person_teacher_no on lx.person (district, teacher_no);
comment on index lx.person_teacher_no is 'read by: push_roster (number taken)';
create unique index person_account on lx.person (district, account);
comment on index lx.person_account is 'read by: push_roster (account taken)';

create table lx.membership (
  district int4 not null,
  stream uuid not null,
  seq int8 not null,
  version int8 not null default 1,
  id uuid not null,
  person uuid not null,
  unit uuid not null,
  programme int4 not null,
  role int4 not null,
  from_at timestamptz not null,
  until_at timestamptz,
  guest bool not null default false,
  primary key (district, id),
  foreign key (district, person) references lx.person (district, id),
  check (until_at >= from_at)
);
comment on table lx.membership is 'distributed: who belongs where, dated; lies in the stream of its person';
comment on index lx.membership_pkey is 'read by: push_roster';
create unique index membership_seq on lx.membership (district, stream, seq);
comment on index lx.membership_seq is 'read by: pull, roster_of';
create index membership_person on lx.membership (district, person);
comment on index lx.membership_person is 'read by: push_roster (home), the assessor, roster_of';
create index membership_unit on lx.membership (district, unit);
comment on index lx.membership_unit is 'read by: roster_of, the assessor (members of a unit)';

create table lx.standing (
  district int4 not null,
  stream uuid not null,
  seq int8 not null,
  version int8 not null default 1,
  id uuid not null,
  subject uuid not null,
  programme int4 not null,
  role int4 not null,
  state int4 not null,
  scheme_version int4 not null,
  as_of date not null,
  points int8 not null,
  total int8 not null,
  receipt bytea,
  contribution bytea,
  primary key (district, id)
);
comment on table lx.standing is 'distributed: newest result of one subject in one programme and role';
comment on column lx.standing.contribution is 'the assessor''s own: what it added to roll-ups; not synced';
comment on index lx.standing_pkey is 'read by: nothing, keeps ids single';
create unique index standing_seq on lx.standing (district, stream, seq);
comment on index lx.standing_seq is 'read by: pull';
create unique index standing_subject on lx.standing (district, subject, programme, role);
comment on index lx.standing_subject is 'read by: standing_put, move_subject, standing requests';

create table lx.left_stream (
  district int4 not null,
  stream uuid not null,
  seq int8 not null,
  subject uuid not null,
  to_stream uuid not null,
  left_at timestamptz not null,
  primary key (district, stream, subject)
);
comment on table lx.left_stream is 'distributed: tombstones; the subject''s rows left this stream';
comment on index lx.left_stream_pkey is 'read by: push (good faith), roster_of, facts_by_id';
create unique index left_stream_seq on lx.left_stream (district, stream, seq);
comment on index lx.left_stream_seq is 'read by: pull';

create table lx.op_run (
  district int4 not null,
  stream uuid not null,
  device bytea not null,
  op_from int8 not null,
  op_to int8 not null,
  seq_from int8 not null,
  scope_version int8 not null,
  received_at timestamptz not null,
  stored int4 not null,
  refused int4 not null,
  flags int4 not null,
  person uuid not null,
  root bytea not null,
  hashes bytea not null,
  answer bytea not null,
  primary key (district, stream, device, op_to),
  check (octet_length(hashes) = 16 * (op_to - op_from + 1))
);
comment on table lx.op_run is 'distributed: runs of operations, which are the audit of pushes too; the newest run per (stream, device) is kept for ever';
comment on column lx.op_run.root is 'sha256 over hashes';
comment on column lx.op_run.answer is 'packed lx.PushedGroup with the refused operations';
comment on index lx.op_run_pkey is 'read by: push (last operation, repeats), next_ops';
