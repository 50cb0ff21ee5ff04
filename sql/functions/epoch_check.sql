-- Is this still the database that it was? Every worker asks at its start and every second. A new epoch begins when cluster, timeline or database differ from what lx.epoch
-- remembers, or when the security journal has events that the database has lost (an old copy of its files carries no other sign). An epoch that is not open opens when the
-- journal ends with the database's own last event: then nothing is missing.
-- Takes number and hash of the journal's last event (null: no journal). Returns the epoch, whether clients may come in, and the last event here, and the last that may
-- have taken something from somebody (then all logins are looked at).
-- Locks nothing in the usual case, else the row of lx.epoch.
create or replace function lx.epoch_check(p_journal_no int8, p_journal_hash bytea)
returns table (db_epoch bytea, is_open bool, security_no int8, security_hash bytea, rights_no int8)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_here record;
  v_epoch lx.epoch;
  v_head lx.security_head;
  v_moved bool;
  v_behind bool;
  v_proved bool;
  v_locked bool := false;
begin
  select i.* into strict v_here from lx.epoch_identity() i;
  loop
    select e.* into strict v_epoch from lx.epoch e;
    select h.* into strict v_head from lx.security_head h;
    v_moved := (v_epoch.system_identifier, v_epoch.timeline, v_epoch.database_oid)
               is distinct from (v_here.system_identifier, v_here.timeline, v_here.database_oid);
    v_behind := v_epoch.opened_at is not null and coalesce(v_head.no < p_journal_no, false);
    v_proved := v_epoch.opened_at is null and (v_head.no, v_head.hash) is not distinct from (p_journal_no, p_journal_hash);
    exit when v_locked or not (v_moved or v_behind or v_proved);
    perform from lx.epoch e for update; -- another worker may be at it: look again
    v_locked := true;
  end loop;

  if v_moved and v_epoch.system_identifier is null then
    update lx.epoch e set system_identifier = v_here.system_identifier, timeline = v_here.timeline, database_oid = v_here.database_oid;
  elsif v_moved then
    perform lx.epoch_renew('another cluster, timeline or database');
  elsif v_behind then
    perform lx.epoch_renew('the security journal is ahead');
  elsif v_proved then
    update lx.epoch e set opened_at = clock_timestamp();
    perform lx.audit_add(null, null, null, 'epoch_open', null, encode(v_epoch.db_epoch, 'hex'), jsonb_build_object('security_no', v_head.no));
  end if;
  return query select e.db_epoch, e.opened_at is not null, v_head.no, v_head.hash, v_head.rights_no from lx.epoch e;
end
$$;
alter function lx.epoch_check owner to lianxiao_auth;
revoke all on function lx.epoch_check from public;
grant execute on function lx.epoch_check to lianxiao_api, lianxiao_ops;
