-- May facts follow their subjects out of the group's stream? Yes when every one of the subjects left it at most 35 days ago and is in the target
-- now, wherever he was in between (so says roster_of, by which a worker names the target), and the sender has what the facts need over the stream they left
-- (grants that ended in good faith included).
-- Takes sender, scope version, district, the group's stream, mask needed, target stream and the subjects. Returns 1 yes, 0 no. Locks nothing.
create or replace function lx.push_follows(p_person uuid, p_scope_version int8, p_district int4, p_stream uuid, p_needs int4, p_target uuid, p_subjects uuid[]) returns int4
language plpgsql stable
as $$
begin
  if exists (select from unnest(p_subjects) s (subject)
             where not exists (select from lx.left_stream l
                               cross join lateral (select p.stream from lx.person p where p.district = l.district and p.id = l.subject offset 0) p
                               where l.district = p_district and l.stream = p_stream and l.subject = s.subject and p.stream = p_target
                                 and l.left_at > now() - interval '35 days')) then
    return 0;
  end if;
  return (
    select case when coalesce(bit_or(o.mask), 0) & p_needs = p_needs then 1 else 0 end
    from lx.grants_over(p_person, p_stream) o
    where o.from_at <= now()
      and (o.ended_at is null or o.ended_at > now()
           or (o.ended_at > now() - interval '35 days' and not o.for_cause
               and p_scope_version < lx.unix_ms(o.ended_at) and p_scope_version >= lx.unix_ms(o.from_at))));
end
$$;
revoke all on function lx.push_follows from public;
grant execute on function lx.push_follows to lianxiao_writer;
