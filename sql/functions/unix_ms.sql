-- A time as UTC milliseconds since 1970, as on the wire (scope versions).
-- Takes a time. Returns int8. Locks nothing.
create or replace function lx.unix_ms(p_at timestamptz) returns int8
language sql stable parallel safe
return floor(extract(epoch from p_at) * 1000)::int8;
revoke all on function lx.unix_ms from public;
grant execute on function lx.unix_ms to lianxiao_writer, lianxiao_auth;
