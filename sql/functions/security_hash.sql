-- The chain of security events: the hash of one, from the one before it. The journal's lines carry the same text (server/journal.h).
-- Takes the hash before, number, time, what and body. Returns 32 bytes. Locks nothing.
create or replace function lx.security_hash(p_before bytea, p_no int8, p_at_ms int8, p_what text, p_body text) returns bytea
language sql immutable
return sha256(p_before || convert_to(p_no || ' ' || p_at_ms || ' ' || p_what || ' ' || p_body, 'UTF8'));
revoke all on function lx.security_hash from public;
grant execute on function lx.security_hash to lianxiao_auth;
