-- Operator: opens a new epoch without the security journal, or with one that ends early: what was revoked after the restore point is as it was then.
-- Takes operator. Returns 1 done, 2 it was open. Locks the row of lx.epoch.
create or replace function lx.epoch_accept(p_operator text) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_epoch bytea;
begin
  update lx.epoch e set opened_at = clock_timestamp() where e.opened_at is null returning e.db_epoch into v_epoch;
  if v_epoch is not null then
    perform lx.audit_add(null, p_operator, null, 'epoch_accept', null, encode(v_epoch, 'hex'), null);
  end if;
  return query select case when v_epoch is null then 2 else 1 end;
end
$$;
alter function lx.epoch_accept owner to lianxiao_auth;
revoke all on function lx.epoch_accept from public;
grant execute on function lx.epoch_accept to lianxiao_ops;
