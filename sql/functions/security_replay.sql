-- Operator: replays security events that a restored database has lost, in their order; only while the epoch is closed.
-- Takes operator, number, time, what and body of events that follow the database's last one, the last one's hash, and whether the epoch opens after them.
-- Returns 1 done, 2 the epoch is open, 3 they do not follow or their chain is broken, 4 a unit is missing that they name (nothing is done; its id follows).
-- Locks the rows of lx.epoch and lx.security_head and those that are put. The triggers' own notes of what is put are the replayed events and are not kept twice.
create or replace function lx.security_replay(p_operator text, p_no int8[], p_at_ms int8[], p_what text[], p_body text[], p_hash bytea, p_open bool)
returns table (verdict int4, unit uuid)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_epoch lx.epoch;
  v_head lx.security_head;
  v_unit uuid;
  v_hash bytea[] := '{}';
begin
  select e.* into strict v_epoch from lx.epoch e for update;
  if v_epoch.opened_at is not null then
    return query select 2, null::uuid;
    return;
  end if;
  select h.* into strict v_head from lx.security_head h for update;
  for i in 1 .. cardinality(p_no) loop
    if p_no[i] <> v_head.no + 1 then
      return query select 3, null::uuid;
      return;
    end if;
    v_head.no := p_no[i];
    v_head.hash := lx.security_hash(v_head.hash, p_no[i], p_at_ms[i], p_what[i], p_body[i]);
    v_hash := v_hash || v_head.hash;
  end loop;
  if v_head.hash <> p_hash then
    return query select 3, null::uuid;
    return;
  end if;
  select (b.body::jsonb ->> 'unit')::uuid into v_unit from unnest(p_body) b (body)
  where b.body::jsonb ->> 'unit' is not null and not exists (select from lx.unit u where u.id = (b.body::jsonb ->> 'unit')::uuid) limit 1;
  if v_unit is not null then
    return query select 4, v_unit;
    return;
  end if;

  update lx.epoch e set opened_at = clock_timestamp();
  for i in 1 .. cardinality(p_no) loop
    perform lx.security_put(p_what[i], p_body[i]::jsonb);
  end loop;
  set constraints all immediate;
  delete from lx.security_event e where e.no >= p_no[1];
  insert into lx.security_event (no, at_ms, what, body, hash)
  select e.no, e.at_ms, e.what, e.body, e.hash from unnest(p_no, p_at_ms, p_what, p_body, v_hash) e (no, at_ms, what, body, hash);
  update lx.security_head h set no = v_head.no, hash = v_head.hash;
  perform lx.audit_add(null, p_operator, null, 'journal_replay', null, v_head.no::text, jsonb_build_object('events', cardinality(p_no), 'opened', p_open));
  if not p_open then
    update lx.epoch e set opened_at = null;
  end if;
  return query select 1, null::uuid;
end
$$;
alter function lx.security_replay owner to lianxiao_auth;
revoke all on function lx.security_replay from public;
grant execute on function lx.security_replay to lianxiao_ops;
