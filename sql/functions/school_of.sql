-- The school a stream belongs to: a workshop's parent, else the unit itself.
-- Takes the stream. Returns uuid, null for an unknown one. Locks nothing.
create or replace function lx.school_of(p_stream uuid) returns uuid
language sql stable
as $$ select case when level = 4 then parent else id end from lx.unit where id = p_stream $$;
revoke all on function lx.school_of from public;
grant execute on function lx.school_of to lianxiao_writer;
