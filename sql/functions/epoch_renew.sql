-- Begins a new epoch, closed for clients, with its audit row: this database is not the one that they last spoke to.
-- Takes why (for the audit). Returns the new epoch. Locks the row of lx.epoch. All scopes count as changed.
create or replace function lx.epoch_renew(p_why text) returns bytea
language plpgsql
as $$
declare
  v_epoch constant bytea := uuid_send(gen_random_uuid());
  v_before bytea;
  v_here record;
begin
  select i.* into strict v_here from lx.epoch_identity() i;
  select e.db_epoch into strict v_before from lx.epoch e for update;
  update lx.epoch e
  set db_epoch = v_epoch, started_at = clock_timestamp(), units_changed_at = clock_timestamp(), opened_at = null,
      system_identifier = v_here.system_identifier, timeline = v_here.timeline, database_oid = v_here.database_oid;
  perform lx.audit_add(null, null, null, 'epoch', null, encode(v_epoch, 'hex'),
                       jsonb_build_object('why', p_why, 'before', encode(v_before, 'hex'), 'timeline', v_here.timeline));
  return v_epoch;
end
$$;
alter function lx.epoch_renew owner to lianxiao_auth;
revoke all on function lx.epoch_renew from public;
grant execute on function lx.epoch_renew to lianxiao_auth;
