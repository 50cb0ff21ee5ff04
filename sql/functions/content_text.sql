-- A text inside a content hash: its length in bytes, then its bytes; nothing for null (a bit beside says so).
-- Takes the text. Returns bytea. Locks nothing.
create or replace function lx.content_text(p_text text) returns bytea
language sql stable parallel safe -- stable, so that it becomes part of the statement that calls it
return coalesce(int4send(octet_length(p_text)) || convert_to(p_text, 'UTF8'), '');
revoke all on function lx.content_text from public;
grant execute on function lx.content_text to lianxiao_writer, lianxiao_carrier;
