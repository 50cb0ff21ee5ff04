-- The digest contribution of one live row: first 8 bytes of sha256(id, version), big-endian.
-- Takes the record id and its version. Returns int8 (the bits of a uint64). Locks nothing.
create or replace function lx.row_digest(p_id uuid, p_version int8) returns int8
language sql immutable parallel safe
return ('x' || encode(substring(sha256(uuid_send(p_id) || int8send(p_version)) from 1 for 8), 'hex'))::bit(64)::int8;
revoke all on function lx.row_digest from public;
grant execute on function lx.row_digest to lianxiao_writer, lianxiao_assessor, lianxiao_carrier;
