-- Planted: a run's root is not that of its hashes, so the audit trail no longer says what was pushed.
create function lx.planted_root() returns trigger language plpgsql as $$
begin
  new.root := sha256(new.root);
  return new;
end
$$;
create trigger planted before insert on lx.op_run for each row when (new.op_from > 1) execute function lx.planted_root();
