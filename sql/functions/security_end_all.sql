-- Operator: ends what events of a journal have ended that stand behind a broken line of it, so that they cannot be replayed; only while the epoch is closed.
-- Takes operator, what and body of such events. Returns 1 done, 2 the epoch is open. Locks the rows of lx.epoch and lx.security_head and those that end; they are noted as
-- events of this database's own, behind its last one: the broken journal cannot be continued.
create or replace function lx.security_end_all(p_operator text, p_what text[], p_body text[]) returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_body jsonb;
begin
  if not exists (select from lx.epoch e where e.opened_at is null for update) then
    return query select 2;
    return;
  end if;
  update lx.epoch e set opened_at = clock_timestamp();
  for i in 1 .. cardinality(p_what) loop
    v_body := p_body[i]::jsonb;
    if coalesce(v_body ->> 'revoked_at', v_body ->> 'disabled_at', v_body ->> 'frozen_at', v_body ->> 'closed_at', v_body ->> 'used_at') is not null then
      perform lx.security_end(p_what[i], v_body);
    end if;
  end loop;
  set constraints all immediate;
  perform lx.audit_add(null, p_operator, null, 'journal_replay', null, null, jsonb_build_object('behind_a_broken_line', cardinality(p_what)));
  update lx.epoch e set opened_at = null;
  return query select 1;
end
$$;
alter function lx.security_end_all owner to lianxiao_auth;
revoke all on function lx.security_end_all from public;
grant execute on function lx.security_end_all to lianxiao_ops;
