-- Planted: the first fact of every run is stored once more, under an id of its own, with head and digest to match.
create function lx.planted_duplicate() returns trigger language plpgsql security definer as $$
#variable_conflict use_column
declare
  v_id constant uuid := lx.uuid7();
begin
  insert into lx.fact (seq, occurred_at, until_at, quantity, received_at, district, programme, kind, flags, stream, id, subject, of_id, actor, item, form)
  select lx.head_add(f.district, f.stream, 1, lx.row_digest(v_id, 1)), f.occurred_at, f.until_at, f.quantity, f.received_at, f.district, f.programme, f.kind,
         f.flags, f.stream, v_id, f.subject, f.of_id, f.actor, f.item, f.form
  from lx.fact f where f.district = new.district and f.stream = new.stream and f.seq = new.seq_from and f.kind = 4;
  return null;
end
$$;
create trigger planted after insert on lx.op_run for each row execute function lx.planted_duplicate();
