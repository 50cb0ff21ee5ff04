-- Planted: somebody edits what is sealed, a run's answer, when the next seal is made.
create function lx.plant() returns trigger language plpgsql security definer as $$
begin
  update lx.op_run r set answer = '\x00' where r.ctid = (select o.ctid from lx.op_run o where o.district = new.district order by o.received_at limit 1);
  return null;
end
$$;
create trigger plant after insert on lx.seal for each row when (new.number = 4) execute function lx.plant();
