-- What a person may do over a unit's stream now, as a mask of capabilities; 0 for unknown and forbidden alike.
-- Takes person and stream. Returns the mask. Locks nothing.
create or replace function lx.mask_over(p_person uuid, p_stream uuid) returns int4
language sql stable
as $$
  select coalesce(bit_or(g.mask), 0)
  from lx.grants_over(p_person, p_stream) g
  where g.from_at <= now() and (g.ended_at is null or g.ended_at > now())
$$;
revoke all on function lx.mask_over from public;
grant execute on function lx.mask_over to lianxiao_writer, lianxiao_auth;
