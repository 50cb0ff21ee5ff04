-- Notes every change of who may come in and what he may: the row after the change becomes the next link of the chain of security events, in the change's own transaction.
-- A trigger, so no function that changes these tables can forget it; deferred to the commit, so that the chain's row is the last thing locked, whatever was locked before, and
-- numbers follow the order of commits. Locks the row of lx.security_head. Refuses every change while the epoch is closed: it would go beside the journal's own history;
-- and a row of more than 16,000 bytes: a line of the journal that is longer than 64 KiB (JOURNAL_LINE_MAX, server/journal.h) could be written, but not read again.
create or replace function lx.security_note() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_head lx.security_head;
  v_at_ms constant int8 := lx.unix_ms(clock_timestamp());
  v_body constant text := to_jsonb(new)::text;
begin
  if exists (select from lx.epoch e where e.opened_at is null) then
    raise exception 'the database was restored: replay the security journal first (lianxiaoctl journal replay)' using errcode = 'object_not_in_prerequisite_state';
  end if;
  if octet_length(v_body) > 16000 then
    raise exception 'a row of % has % bytes; the security journal takes 16000', tg_table_name, octet_length(v_body) using errcode = 'program_limit_exceeded';
  end if;
  select h.* into strict v_head from lx.security_head h for update;
  insert into lx.security_event (no, at_ms, what, body, hash)
  values (v_head.no + 1, v_at_ms, tg_table_name, v_body, lx.security_hash(v_head.hash, v_head.no + 1, v_at_ms, tg_table_name, v_body))
  returning no, hash into v_head;
  update lx.security_head h
  set no = v_head.no, hash = v_head.hash, rights_no = case when tg_table_name in ('role_grant', 'account', 'device') then v_head.no else h.rights_no end;
  return null;
end
$$;
alter function lx.security_note owner to lianxiao_auth;
revoke all on function lx.security_note from public;

-- A session's idle limit and a code's failed tries are no security events.
do $$
declare
  v_what text[];
begin
  foreach v_what slice 1 in array array[['role_grant', ''], ['account', ''], ['device', ''], ['enrol_code', ' of issued_at, used_at'], ['session', ' of closed_at']] loop
    execute format('drop trigger if exists security_note on lx.%I', v_what[1]);
    execute format('create constraint trigger security_note after insert or update%s on lx.%I deferrable initially deferred for each row execute function lx.security_note()',
                   v_what[2], v_what[1]);
  end loop;
end
$$;
