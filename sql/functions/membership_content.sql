-- The content hash of a membership's row as it is stored, as in common/wire/content.c.
-- Takes district and id. Returns 16 bytes. Locks nothing.
create or replace function lx.membership_content(p_district int4, p_id uuid) returns bytea
language plpgsql stable -- keeps its plan; one in language sql is planned at every call
as $$
begin
  return (select substring(sha256(
    'M'::bytea || uuid_send(m.id) || int8send(m.version) || uuid_send(m.person) || uuid_send(m.unit) || int4send(m.programme) || int4send(m.role)
    || set_byte('\x00', 0, (m.until_at is not null)::int4 + 2 * m.guest::int4)
    || lx.content_time(m.from_at) || lx.content_time(m.until_at)) from 1 for 16)
  from lx.membership m where m.district = p_district and m.id = p_id);
end
$$;
revoke all on function lx.membership_content from public;
grant execute on function lx.membership_content to lianxiao_writer, lianxiao_carrier;
