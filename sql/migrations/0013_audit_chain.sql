-- The sealed audit chain: what each run has stored, and the chain of signed roots per district.

-- Counted up with every op_run, in the update of the head that a push makes anyway: what the sealer compares with what it has sealed.
alter table lx.head add column runs int8 not null default 0;
comment on column lx.head.runs is 'rows of op_run that this stream has ever got';
update lx.head h set runs = r.n
from (select district, stream, count(*) as n from lx.op_run group by district, stream) r
where h.district = r.district and h.stream = r.stream;

alter table lx.op_run add column contents bytea, add column changes bytea;
comment on column lx.op_run.contents is '16 bytes per fact that the run has stored, in the order they were stored (common/wire/content.h); null: a run from before this column';
comment on column lx.op_run.changes is '40 bytes per roster row that the run has stored: id, version, 16 bytes of its content; null: none';

alter table lx.audit add column seal int8;
comment on column lx.audit.seal is 'number of the seal that covers the row; null until then';
create index audit_unsealed on lx.audit (district) where seal is null;
comment on index lx.audit_unsealed is 'read by: the sealer';

create table lx.seal (
  district int4 not null,
  number int8 not null,
  sealed_at timestamptz not null,
  runs int4 not null,
  actions int4 not null,
  algorithm int2 not null check (algorithm in (1, 2)),
  previous bytea not null,
  root bytea not null,
  hash bytea not null,
  key bytea not null,
  signature bytea not null,
  entries bytea not null,
  primary key (district, number),
  check (number > 0)
);
comment on table lx.seal is 'distributed: the audit chain; each seal signs the root of the rows of op_run and audit that came since the one before';
comment on column lx.seal.algorithm is 'of leaves, root and hash: 1 sha256, 2 sm3';
comment on column lx.seal.key is 'sha256 of the public key that signed';
comment on column lx.seal.entries is 'key and leaf of every row sealed, in the order of the tree (server/audit/entries.h): the root can be computed when op_run has been pruned';
comment on index lx.seal_pkey is 'read by: the sealer, seal_heads, verification';

create table lx.seal_cursor (
  district int4 not null,
  stream uuid not null,
  device bytea not null,
  op_to int8 not null,
  runs int8 not null,
  primary key (district, stream, device)
) with (fillfactor = 50);
comment on table lx.seal_cursor is 'distributed: how far op_run is sealed, per stream and device; a help for the sealer, never trusted by verification';
comment on column lx.seal_cursor.runs is 'rows of op_run sealed so far';
comment on index lx.seal_cursor_pkey is 'read by: the sealer';

do $$
declare
  v_table text;
begin
  foreach v_table in array array['seal', 'seal_cursor'] loop
    execute format('alter table lx.%I owner to lianxiao_owner', v_table);
    execute format('revoke all on lx.%I from public', v_table);
    execute format('alter table lx.%I enable row level security', v_table);
    execute format('alter table lx.%I force row level security', v_table);
    execute format('create policy writer on lx.%I to lianxiao_writer using (true) with check (true)', v_table);
    execute format('create policy assessor on lx.%I to lianxiao_assessor using (true) with check (true)', v_table);
  end loop;
end
$$;
grant select on lx.seal to lianxiao_writer;
grant select, insert on lx.seal to lianxiao_assessor;
grant select, insert, update on lx.seal_cursor to lianxiao_assessor;
grant select on lx.op_run, lx.audit to lianxiao_assessor;
grant update (seal) on lx.audit to lianxiao_assessor;

-- These functions have other parameters now.
drop function if exists lx.push(bytea[], uuid[], int4[], uuid[], int8[], bytea[], int8[], int4[], bytea[], int4[], uuid[], int4[], int8[], int4[], int8[], int4[], int4[], uuid[],
  int4[], int4[], uuid[], text[], timestamptz[], timestamptz[], int8[], uuid[], text[], bytea[], int8[], int4[], bytea[], timestamptz, bool, bytea);
drop function if exists lx.push_slow(uuid[], int4[], int4[], int4[], bytea[], int4[], uuid[], int4[], int8[], int4[], uuid[], int4[], int4[], uuid[], text[], timestamptz[],
  timestamptz[], int8[], uuid[], text[], bytea[], int8[], int4[], bytea[], timestamptz, bytea);
drop function if exists lx.push_place(uuid, int4, uuid, int4, timestamptz, uuid, int4, int4, uuid, text, timestamptz, timestamptz, int8, uuid, text, bytea);
drop function if exists lx.push_void(uuid, lx.fact, timestamptz);
