-- Distributed tables of the assessor, and the audit trail.

create table lx.rollup (
  district int4 not null,
  unit uuid not null,
  programme int4 not null,
  role int4 not null,
  item text not null,
  subjects int8 not null default 0,
  open int8 not null default 0,
  passed int8 not null default 0,
  failed int8 not null default 0,
  exempt int8 not null default 0,
  points int8 not null default 0,
  started int8 not null default 0,
  done int8 not null default 0,
  late int8 not null default 0,
  missed int8 not null default 0,
  online_hours int8 not null default 0,
  school_hours int8 not null default 0,
  credits int8 not null default 0,
  obliged int8 not null default 0,
  primary key (district, unit, programme, role, item)
) with (fillfactor = 70);
comment on table lx.rollup is 'distributed: additive figures per workshop, school and district; item: empty = the subjects as such, else an indicator, else "stage:" and its code';
comment on index lx.rollup_pkey is 'read by: statistics, rollup_apply';

create table lx.rollup_day (
  day date not null,
  like lx.rollup,
  primary key (district, unit, day, programme, role, item)
);
comment on table lx.rollup_day is 'distributed: rollup as it was when the day began';
comment on index lx.rollup_day_pkey is 'read by: statistics (since yesterday, history)';

create table lx.todo (
  district int4 not null,
  id uuid not null default gen_random_uuid(),
  subject uuid not null,
  level int4 not null,
  lane int4 not null,
  since timestamptz not null default clock_timestamp(),
  primary key (district, id)
);
comment on table lx.todo is 'distributed: subjects to assess; lane 1 live, 2 rescore; the same subject may wait more than once, so that nobody waits for the assessor''s locks';
comment on index lx.todo_pkey is 'read by: nothing, keeps ids single';
create index todo_next on lx.todo (district, lane, level desc);
comment on index lx.todo_next is 'read by: todo_take, ops_district_state';

create table lx.stream_cursor (
  district int4 not null,
  stream uuid not null,
  seq int8 not null,
  primary key (district, stream)
) with (fillfactor = 50);
comment on table lx.stream_cursor is 'distributed: how far the assessor has read each stream';
comment on index lx.stream_cursor_pkey is 'read by: streams_advance';

create table lx.district_state (
  district int4 not null primary key,
  scheme_version int4 not null default 0,
  to_rescore int8 not null default 0,
  complete_through timestamptz,
  day date
) with (fillfactor = 50);
comment on table lx.district_state is 'distributed: the watermark of a district''s figures; its row lock keeps one assessing writer per district';
comment on index lx.district_state_pkey is 'read by: statistics, district_take';

create table lx.audit (
  district int4 not null,
  id uuid not null,
  at timestamptz not null default clock_timestamp(),
  actor uuid,
  operator text,
  device bytea,
  action text not null,
  unit uuid,
  target text,
  detail jsonb,
  primary key (district, id)
);
comment on table lx.audit is 'distributed: one row per action outside push, in the action''s transaction; ids and codes, never names';
comment on index lx.audit_pkey is 'read by: auditors, in order of time (ids are UUIDv7)';
