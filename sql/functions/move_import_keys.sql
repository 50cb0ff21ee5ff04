-- Source keys follow a subject to another school, so that a later import of the same rows there finds them. A key that the new school has itself stays as it is there.
-- Takes district, subject, the stream where his facts are now, old and new school. Returns nothing. Locks the keys' rows.
create or replace function lx.move_import_keys(p_district int4, p_subject uuid, p_stream uuid, p_from uuid, p_to uuid) returns void
language plpgsql
as $$
begin
  if p_from = p_to then
    return;
  end if;
  with gone as (
    delete from lx.import_key k using lx.fact f
    where f.district = p_district and f.stream = p_stream and f.subject = p_subject and f.source_key is not null
      and k.district = p_district and k.school = p_from and k.source_key = f.source_key and k.fact = f.id
    returning k.source_key, k.fact)
  insert into lx.import_key (district, school, source_key, fact)
  select p_district, p_to, g.source_key, g.fact from gone g
  on conflict (district, school, source_key) do nothing;
end
$$;
revoke all on function lx.move_import_keys from public;
grant execute on function lx.move_import_keys to lianxiao_writer, lianxiao_carrier;
