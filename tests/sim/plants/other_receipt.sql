-- Planted: the server's receipts say something that the client's rules do not.
create function lx.plant() returns trigger language plpgsql as $$ begin new.receipt := new.receipt || '\x9a0600'; return new; end $$;
create trigger plant before insert or update on lx.standing for each row execute function lx.plant();
