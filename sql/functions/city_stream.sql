-- The city's unit, whose stream everybody reads.
-- Takes nothing. Returns uuid, null before the first unit_import. Locks nothing.
create or replace function lx.city_stream() returns uuid
language sql stable
as $$ select id from lx.unit where level = 1 $$;
alter function lx.city_stream owner to lianxiao_writer;
revoke all on function lx.city_stream from public;
grant execute on function lx.city_stream to lianxiao_writer;
