-- covers_at_least under load: a record's figures are there when what the assessor put on todo in the pass that read it is done, whatever came later.
-- Passes of a district are numbered, so no clock decides.
alter table lx.district_state add column pass int8 not null default 0, add column waiting int8 default 0;
comment on column lx.district_state.pass is 'number of the newest pass over the streams (streams_advance)';
comment on column lx.district_state.waiting is 'the oldest pass that somebody in the live lane waits for, as of the newest round; null: nobody waits';
alter table lx.stream_cursor add column seqs int8[] not null default '{}', add column passes int8[] not null default '{}';
comment on column lx.stream_cursor.seqs is 'where the newest passes that read something got, oldest first';
comment on column lx.stream_cursor.passes is 'their numbers';
alter table lx.todo add column pass int8 not null default 0;
comment on column lx.todo.pass is 'the oldest pass whose facts wait with this entry; 0: not from a pass';
-- Who waits longest is taken first, whatever he is: with persons always first, units were not scored as long as the load lasted. Entries of one statement have one
-- time, so that of them persons still come before their units.
alter table lx.todo alter column since set default statement_timestamp();
drop index lx.todo_next;
drop index lx.todo_subject;
create index todo_next on lx.todo (district, lane, since, level desc);
comment on index lx.todo_next is 'read by: todo_take, streams_advance (waits already), assessor_waiting, assessor_due, ops_district_state';
