-- session_alive tells, too, whether the password must be changed first.
drop function if exists lx.session_alive(bytea[]);
