-- Units that move: schools and workshops to another parent, also in another district; units that are closed.
alter table lx.unit
  add column moving_to uuid references lx.unit (id),
  add column former uuid[] not null default '{}',
  add column former_until timestamptz[] not null default '{}',
  add column closed_at timestamptz;
comment on column lx.unit.moving_to is 'the new parent in another district that a school or workshop is on its way to, set for all units below it, too; null: it is not under way';
comment on column lx.unit.former is 'units that were above it until a move: grants there count as ended then (grants_over, scope_of)';
comment on column lx.unit.former_until is 'beside former: until when';
create index unit_former on lx.unit using gin (former) where former <> '{}';
comment on index lx.unit_former is 'read by: scope_of';
comment on column lx.unit.closed_at is 'since when nobody can join it; it stays readable';

alter table lx.head add column moving bool not null default false;
comment on column lx.head.moving is 'the stream''s rows are under way to another district, or there: nothing is written or read here';

create table lx.unit_move (
  district int4 not null,
  id uuid not null,
  unit uuid not null,
  from_parent uuid not null,
  to_parent uuid not null,
  to_district int4 not null,
  left_at timestamptz not null,
  taken_by int4,
  taken_at timestamptz,
  ended_at timestamptz,
  primary key (district, id)
);
comment on table lx.unit_move is 'distributed: moves of units to another district, kept by the sending one; taken_by decides, once, who has them';
comment on index lx.unit_move_pkey is 'read by: unit_move_in, unit_move_end';
create unique index unit_move_open on lx.unit_move (district, unit) where ended_at is null;
comment on index lx.unit_move_open is 'read by: unit_move (the same again), unit_moves';

create table lx.unit_package (
  district int4 not null,
  move uuid not null,
  what text not null,
  part int4 not null,
  rows jsonb not null,
  primary key (district, move, what, part)
);
comment on table lx.unit_package is 'distributed: the rows of a unit under way, by table, kept by the sending district until it has arrived';
comment on index lx.unit_package_pkey is 'read by: unit_move_in';

do $$
declare
  v_table text;
begin
  foreach v_table in array array['unit_move', 'unit_package'] loop
    execute format('alter table lx.%I owner to lianxiao_owner', v_table);
    execute format('revoke all on lx.%I from public', v_table);
    execute format('alter table lx.%I enable row level security', v_table);
    execute format('alter table lx.%I force row level security', v_table);
    execute format('create policy carrier on lx.%I to lianxiao_carrier using (true) with check (true)', v_table);
    execute format('grant select, insert, update, delete on lx.%I to lianxiao_carrier', v_table);
  end loop;
end
$$;
create policy carrier on lx.audit for insert to lianxiao_carrier with check (true);

grant update on lx.unit to lianxiao_carrier;
grant select, update (units_changed_at) on lx.epoch to lianxiao_carrier;
grant select, insert on lx.op_run, lx.head to lianxiao_carrier;
grant select on lx.device to lianxiao_carrier;
grant insert on lx.audit to lianxiao_carrier;
