-- What a person may do over a unit's stream now, as a mask of capabilities; 0 for unknown and forbidden alike.
-- Takes person and stream. Returns the mask. Locks nothing. In plpgsql, which keeps its plan between calls.
create or replace function lx.mask_over(p_person uuid, p_stream uuid) returns int4
language plpgsql stable
as $$
begin
  return (
    select coalesce(bit_or(g.mask), 0)
    from lx.grants_over(p_person, p_stream) g
    where g.from_at <= now() and (g.ended_at is null or g.ended_at > now()));
end
$$;
revoke all on function lx.mask_over from public;
grant execute on function lx.mask_over to lianxiao_writer, lianxiao_auth, lianxiao_carrier;
