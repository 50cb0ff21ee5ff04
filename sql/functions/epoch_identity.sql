-- What a restore, a promotion, or a dump that is loaded again changes, and a restart after a crash does not: the cluster, its timeline, the database in it.
-- Takes nothing. Returns one row. The timeline is that of the WAL being written: the control file learns of a promotion only with the next checkpoint. Locks nothing.
create or replace function lx.epoch_identity() returns table (system_identifier int8, timeline int8, database_oid int8)
language sql stable
as $$
  select s.system_identifier,
         ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int8,
         (select d.oid::int8 from pg_database d where d.datname = current_database())
  from pg_control_system() s
$$;
revoke all on function lx.epoch_identity from public;
grant execute on function lx.epoch_identity to lianxiao_auth;
