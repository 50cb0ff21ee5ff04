-- A time inside a content hash: microseconds since 1970; nothing for null (a bit beside says so).
-- Takes the time. Returns bytea. Locks nothing.
create or replace function lx.content_time(p_at timestamptz) returns bytea
language sql stable parallel safe -- stable, so that it becomes part of the statement that calls it
return coalesce(int8send((extract(epoch from p_at) * 1000000)::int8), '');
revoke all on function lx.content_time from public;
grant execute on function lx.content_time to lianxiao_writer, lianxiao_carrier;
