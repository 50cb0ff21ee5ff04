-- Voids a fact that a newer import of the same row supersedes: a VOID (form "superseded") in the stream where the old fact lives. A fact that is voided already
-- (the importing client did it itself) stays as it is.
-- Takes the sender, the old fact and the time of receipt. Returns the content hash of the VOID, empty when there was none to write. Needs the head of that stream locked: not yet locked by this transaction means
-- that the fact moved meanwhile, which raises 40001 (call push again).
create or replace function lx.push_void(p_person uuid, p_old lx.fact, p_received_at timestamptz) returns bytea
language plpgsql
as $$
declare
  v_void lx.fact;
begin
  perform 1 from lx.head h where h.district = (p_old).district and h.stream = (p_old).stream for no key update skip locked;
  if not found then
    raise exception 'push: a superseded fact moved meanwhile' using errcode = 'serialization_failure';
  end if;
  perform 1 from lx.fact v
  where v.district = (p_old).district and v.stream = (p_old).stream and v.subject = (p_old).subject and v.of_id = (p_old).id and v.kind = 14;
  if found then
    return '';
  end if;
  v_void.id := lx.uuid7();
  insert into lx.fact (seq, received_at, occurred_at, district, programme, kind, flags, stream, id, subject, of_id, actor, form)
  values (lx.head_add((p_old).district, (p_old).stream, 1, lx.row_digest(v_void.id, 1)), p_received_at, p_received_at, (p_old).district, (p_old).programme, 14, 0,
          (p_old).stream, v_void.id, (p_old).subject, (p_old).id, p_person, 'superseded')
  returning * into v_void;
  return lx.fact_content(v_void, null);
end
$$;
revoke all on function lx.push_void from public;
grant execute on function lx.push_void to lianxiao_writer;
