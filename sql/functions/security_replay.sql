-- Operator: replays security events that a restored database has lost, in their order; only while the epoch is closed.
-- Takes operator, number, time, what and body of events that follow the database's last one, the last one's hash, whether the epoch opens after them, and whether events
-- that cannot be stored are left out: what a former version of their row gave is ended then (security_end), so that nobody keeps what may have been taken from him.
-- Returns 1 done, 2 the epoch is open, 3 they do not follow or their chain is broken, 4 a unit is missing that one of them names, 5 one cannot be stored (both: which one and
-- why; nothing is done). Before the 1: a row with 6 for each one that was left out.
-- Locks the rows of lx.epoch and lx.security_head and those that are put. The triggers' own notes of what is put are the replayed events and are not kept twice.
drop function if exists lx.security_replay(text, int8[], int8[], text[], text[], bytea, bool);
create or replace function lx.security_replay(p_operator text, p_no int8[], p_at_ms int8[], p_what text[], p_body text[], p_hash bytea, p_open bool, p_anyhow bool)
returns table (verdict int4, unit uuid, no int8, why text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_epoch lx.epoch;
  v_head lx.security_head;
  v_hash bytea[] := '{}';
  v_out_no int8[] := '{}'; -- left out
  v_out_why text[] := '{}';
  v_why text;
begin
  select e.* into strict v_epoch from lx.epoch e for update;
  if v_epoch.opened_at is not null then
    return query select 2, null::uuid, null::int8, null;
    return;
  end if;
  select h.* into strict v_head from lx.security_head h for update;
  for i in 1 .. cardinality(p_no) loop
    if p_no[i] <> v_head.no + 1 then
      return query select 3, null::uuid, null::int8, null;
      return;
    end if;
    v_head.no := p_no[i];
    v_head.hash := lx.security_hash(v_head.hash, p_no[i], p_at_ms[i], p_what[i], p_body[i]);
    v_hash := v_hash || v_head.hash;
  end loop;
  if v_head.hash <> p_hash then
    return query select 3, null::uuid, null::int8, null;
    return;
  end if;
  if not p_anyhow then
    return query
    select 4, (b.body::jsonb ->> 'unit')::uuid, b.no, null::text from unnest(p_no, p_body) b (no, body)
    where b.body::jsonb ->> 'unit' is not null and not exists (select from lx.unit u where u.id = (b.body::jsonb ->> 'unit')::uuid) order by b.no limit 1;
    if found then
      return;
    end if;
  end if;

  update lx.epoch e set opened_at = clock_timestamp();
  for i in 1 .. cardinality(p_no) loop
    begin
      perform lx.security_put(p_what[i], p_body[i]::jsonb);
    exception
      when insufficient_privilege then
        raise; -- the installation is wrong, not the event
      when integrity_constraint_violation or data_exception or syntax_error_or_access_rule_violation or raise_exception then
        get stacked diagnostics v_why = message_text;
        if not p_anyhow then
          raise exception using errcode = 'LX005', message = v_why, detail = p_no[i];
        end if;
        perform lx.security_end(p_what[i], p_body[i]::jsonb);
        v_out_no := v_out_no || p_no[i];
        v_out_why := v_out_why || v_why;
    end;
  end loop;
  set constraints all immediate;
  delete from lx.security_event e where e.no >= p_no[1];
  insert into lx.security_event (no, at_ms, what, body, hash)
  select e.no, e.at_ms, e.what, e.body, e.hash from unnest(p_no, p_at_ms, p_what, p_body, v_hash) e (no, at_ms, what, body, hash);
  update lx.security_head h set no = v_head.no, hash = v_head.hash;
  perform lx.audit_add(null, p_operator, null, 'journal_replay', null, v_head.no::text, jsonb_build_object('events', cardinality(p_no), 'opened', p_open, 'left_out', to_jsonb(v_out_no)));
  if not p_open then
    update lx.epoch e set opened_at = null;
  end if;
  return query select 6, null::uuid, o.no, o.why from unnest(v_out_no, v_out_why) o (no, why) order by o.no;
  return query select 1, null::uuid, null::int8, null;
exception
  when sqlstate 'LX005' then -- nothing of it is done
    get stacked diagnostics v_why = pg_exception_detail;
    return query select 5, null::uuid, v_why::int8, sqlerrm;
end
$$;
alter function lx.security_replay owner to lianxiao_auth;
revoke all on function lx.security_replay from public;
grant execute on function lx.security_replay to lianxiao_ops;
