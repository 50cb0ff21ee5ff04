-- Transfers between districts: what is under way, the packages in which a person's rows travel, what the old district's figures still have to give back.
-- Only the carrier's functions take rows out of the ledger, and put them in again elsewhere: push and push_roster keep their rights.
do $$
begin
  if not exists (select from pg_roles where rolname = 'lianxiao_carrier') then
    create role lianxiao_carrier nologin;
  end if;
end
$$;
grant usage on schema lx to lianxiao_carrier;

-- One half of a transfer as a row of a district's stream: who has been sent out (side 1), who may be taken in (side 2).
create table lx.transit (
  district int4 not null,
  stream uuid not null,
  seq int8 not null,
  version int8 not null default 1,
  id uuid not null,
  transfer uuid not null,
  person uuid not null,
  unit uuid not null,
  other_district int4 not null,
  side int4 not null check (side in (1, 2)),
  left_at timestamptz not null,
  ended_at timestamptz,
  name text not null,
  primary key (district, id)
);
comment on table lx.transit is 'distributed: transfers between districts under way, one row on each side, in the stream of the district';
comment on column lx.transit.unit is 'the other district''s unit';
comment on column lx.transit.ended_at is 'when the person arrived or was taken back: the row is gone then';
comment on index lx.transit_pkey is 'read by: nothing, keeps ids single';
create unique index transit_seq on lx.transit (district, stream, seq);
comment on index lx.transit_seq is 'read by: pull';
create unique index transit_transfer on lx.transit (district, transfer);
comment on index lx.transit_transfer is 'read by: transfer_out, transfer_in, transit_carry';

create table lx.transit_package (
  district int4 not null,
  transfer uuid not null,
  person uuid not null,
  to_district int4 not null,
  to_unit uuid not null,
  left_at timestamptz not null,
  noticed bool not null default false,
  taken_by int4,
  taken_at timestamptz,
  body jsonb,
  primary key (district, transfer)
);
comment on table lx.transit_package is 'distributed: the rows of a person under way, kept by the sending district until he has arrived; taken_by decides, once, who has him';
comment on index lx.transit_package_pkey is 'read by: transfer_out, transfer_in';
create index transit_package_open on lx.transit_package (district, transfer) where body is not null;
comment on index lx.transit_package_open is 'read by: transit_carry';

create table lx.standing_gone (
  district int4 not null,
  subject uuid not null,
  programme int4 not null,
  role int4 not null,
  contribution bytea not null,
  id uuid not null default gen_random_uuid(),
  primary key (district, id)
);
comment on table lx.standing_gone is 'distributed: what somebody who left the district had added to its roll-ups; the assessor takes it back in its next round';
comment on index lx.standing_gone_pkey is 'read by: gone_take';

create index left_stream_subject on lx.left_stream (district, subject);
comment on index lx.left_stream_subject is 'read by: roster_of, transferred (who went to another district)';

do $$
declare
  v_table text;
begin
  foreach v_table in array array['transit', 'transit_package', 'standing_gone'] loop
    execute format('alter table lx.%I owner to lianxiao_owner', v_table);
    execute format('revoke all on lx.%I from public', v_table);
    execute format('alter table lx.%I enable row level security', v_table);
    execute format('alter table lx.%I force row level security', v_table);
    execute format('create policy assessor on lx.%I to lianxiao_assessor using (true) with check (true)', v_table);
    execute format('create policy writer on lx.%I to lianxiao_writer using (true) with check (true)', v_table);
  end loop;
  foreach v_table in array array['head', 'fact', 'submission', 'person', 'membership', 'standing', 'left_stream', 'op_run', 'import_key', 'todo', 'transit', 'transit_package',
                                 'standing_gone'] loop
    execute format('create policy carrier on lx.%I to lianxiao_carrier using (true) with check (true)', v_table);
  end loop;
end
$$;
create policy scope on lx.transit for select to lianxiao_api using (
  district = any((select nullif(current_setting('lianxiao.districts', true), '')::int[])::int[])
  or stream = any((select nullif(current_setting('lianxiao.streams', true), '')::uuid[])::uuid[]));
grant select on lx.transit to lianxiao_api, lianxiao_assessor, lianxiao_writer;
grant select, delete on lx.standing_gone to lianxiao_assessor;

grant select on lx.unit, lx.role_capability, lx.role_grant to lianxiao_carrier;
grant select, insert, update, delete on lx.fact, lx.submission, lx.person, lx.membership, lx.standing, lx.import_key, lx.left_stream to lianxiao_carrier;
grant select, update on lx.head to lianxiao_carrier;
grant select, insert, update on lx.transit, lx.transit_package to lianxiao_carrier;
grant select, insert on lx.standing_gone, lx.todo to lianxiao_carrier;

-- push_roster has one more column of rows: p_join.
drop function if exists lx.push_roster(bytea, uuid, int4, uuid, int8, bytea, int8, int4, bytea, timestamptz, bytea[], int8[], int4[], uuid[], int8[], text[], text[], text[], bool[],
                                       bool[], bool[], bool[], int4[], text[], uuid[], int4[], uuid[], int4[], timestamptz[], timestamptz[], bool[]);
