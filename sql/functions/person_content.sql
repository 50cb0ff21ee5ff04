-- The content hash of a person's row as it is stored, as in common/wire/content.c.
-- Takes district and id. Returns 16 bytes. Locks nothing.
create or replace function lx.person_content(p_district int4, p_id uuid) returns bytea
language plpgsql stable -- keeps its plan; one in language sql is planned at every call
as $$
begin
  return (select substring(sha256(
    'P'::bytea || uuid_send(p.id) || int8send(p.version)
    || set_byte('\x00', 0, (p.birth_year is not null)::int4 + 2 * (p.teacher_no is not null)::int4 + 4 * (p.account is not null)::int4 + 8 * (p.title is not null)::int4
                           + 16 * p.certificate::int4 + 32 * p.in_post::int4 + 64 * p.established::int4 + 128 * p.full_time::int4)
    || coalesce(int4send(p.birth_year), '') || lx.content_text(p.name) || lx.content_text(p.teacher_no) || lx.content_text(p.account)
    || lx.content_text(p.title)) from 1 for 16)
  from lx.person p where p.district = p_district and p.id = p_id);
end
$$;
revoke all on function lx.person_content from public;
grant execute on function lx.person_content to lianxiao_writer, lianxiao_carrier;
