-- Facts that other facts are about, for judging: those in the person's scope, and those of subjects that left the stream at most 35 days ago.
-- Takes the person, the stream of the group and the ids. Returns one row per fact found; unknown and forbidden ids are both absent. Locks nothing.
create or replace function lx.facts_by_id(p_person uuid, p_stream uuid, p_ids uuid[])
returns table (id uuid, district int4, stream uuid, programme int4, kind int4, subject uuid, item text, occurred_at timestamptz, quantity int8, of_id uuid,
               actor uuid, voided bool, submission bytea)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select f.id, f.district, f.stream, f.programme::int4, f.kind::int4, f.subject, f.item, f.occurred_at, f.quantity, f.of_id, f.actor,
         exists (select from lx.fact v where v.district = f.district and v.stream = f.stream and v.subject = f.subject and v.kind = 14 and v.of_id = f.id),
         s.body
  from lx.unit u
  join lx.fact f on f.district = u.district and f.id = any(p_ids)
  left join lx.submission s on s.district = f.district and s.fact = f.id
  where u.id = p_stream
    and (lx.mask_over(p_person, f.stream) <> 0
         or exists (select from lx.left_stream l
                    where l.district = f.district and l.stream = p_stream and l.subject = f.subject and l.left_at > now() - interval '35 days')
            and exists (select from lx.grants_over(p_person, p_stream) g where not g.for_cause and (g.ended_at is null or g.ended_at > now() - interval '35 days'))
         or f.stream = p_stream
            and exists (select from lx.grants_over(p_person, p_stream) g where not g.for_cause and g.ended_at > now() - interval '35 days'));
end
$$;
alter function lx.facts_by_id owner to lianxiao_writer;
revoke all on function lx.facts_by_id from public;
grant execute on function lx.facts_by_id to lianxiao_api;
