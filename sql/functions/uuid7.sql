-- A UUID of version 7 from the database clock.
-- Takes nothing. Returns uuid. Locks nothing.
create or replace function lx.uuid7() returns uuid
language sql volatile parallel safe
return encode(
  set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::int8) from 3) from 1 for 6),
    52, 1), 53, 1), 'hex')::uuid;
revoke all on function lx.uuid7 from public;
grant execute on function lx.uuid7 to lianxiao_writer, lianxiao_auth, lianxiao_assessor, lianxiao_carrier;
