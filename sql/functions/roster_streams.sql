-- The streams that a group of roster operations may touch: its own, where its persons are and go to, the units named and, for offices, all below them; for
-- transfers between districts (what 3 and 4) the district's, and all below the offices that somebody leaves.
-- Takes the arrays of push_roster. Returns the distinct streams of that district. Locks nothing.
drop function if exists lx.roster_streams(int4, uuid, uuid[], uuid[], uuid[]);
create or replace function lx.roster_streams(p_district int4, p_stream uuid, p_what int4[], p_id uuid[], p_member uuid[], p_unit uuid[]) returns uuid[]
language plpgsql stable
as $$
begin
  return array(
    with named as (
      select unnest(p_unit) as unit
      union
      select m.unit from lx.membership m where m.district = p_district and m.id = any(p_id)
      union
      select m.unit from lx.membership m where m.district = p_district and m.person = any(p_member) and m.role <> 1 and 3 = any(p_what)
    )
    select p_stream
    union
    select u.id from lx.unit u where u.district = p_district and u.level = 2 and p_what && array[3, 4]
    union
    select p.stream from lx.person p where p.district = p_district and p.id = any(p_id || p_member)
    union
    select m.unit from lx.membership m where m.district = p_district and m.person = any(p_member)
    union
    select u.id from named n join lx.unit u on u.path @> array[n.unit] where u.district = p_district and n.unit is not null);
end
$$;
revoke all on function lx.roster_streams from public;
grant execute on function lx.roster_streams to lianxiao_writer;
