-- Tombstones live 400 days. The head remembers up to which seq some are missing, so that an older cursor is told to start afresh.
alter table lx.head add column floor int8 not null default 0;
comment on column lx.head.floor is 'newest seq of a tombstone that was removed: a replica that was begun and pulled below it may hold rows that have left';
grant delete on lx.transit to lianxiao_carrier;

-- lx.pull has one more parameter and one more column.
drop function if exists lx.pull(int4, uuid, int8, int4);
