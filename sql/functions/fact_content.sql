-- The content hash of a fact, as in common/wire/content.c, for the few facts that the database makes itself (superseding voids).
-- Takes the fact and the hash of its submission (null: none). Returns 16 bytes. Locks nothing.
create or replace function lx.fact_content(p_fact lx.fact, p_submission bytea) returns bytea
language sql stable parallel safe -- stable, so that it becomes part of the statement that calls it
return substring(sha256(
  'F'::bytea || uuid_send((p_fact).id) || uuid_send((p_fact).subject) || int4send((p_fact).programme) || int4send((p_fact).kind)
  || set_byte('\x00', 0, ((p_fact).occurred_at is not null)::int4 + 2 * ((p_fact).until_at is not null)::int4 + 4 * ((p_fact).quantity is not null)::int4
                         + 8 * ((p_fact).of_id is not null)::int4 + 16 * ((p_fact).item is not null)::int4 + 32 * ((p_fact).form is not null)::int4
                         + 64 * ((p_fact).source_key is not null)::int4 + 128 * (p_submission is not null)::int4)
  || lx.content_time((p_fact).occurred_at) || lx.content_time((p_fact).until_at) || coalesce(int8send((p_fact).quantity), '')
  || coalesce(uuid_send((p_fact).of_id), '') || lx.content_text((p_fact).item) || lx.content_text((p_fact).form)
  || coalesce(int4send(octet_length((p_fact).source_key)) || (p_fact).source_key, '') || coalesce(p_submission, '')) from 1 for 16);
revoke all on function lx.fact_content from public;
grant execute on function lx.fact_content to lianxiao_writer, lianxiao_carrier;
