-- Finds out whether one fact can be stored (slow path of push), and makes room for it: voids what it supersedes, takes its source key.
-- Takes sender, place, mask needed and the fact. Returns 'free' (insert it), 'there' (same content is stored) or 'refused', and the content hash of
-- the void that it has written (else empty).
-- Locks the import key's row; the heads are locked already.
create or replace function lx.push_place(
  p_person uuid, p_district int4, p_stream uuid, p_needs int4, p_received_at timestamptz, p_id uuid, p_programme int4, p_kind int4, p_subject uuid,
  p_item text, p_occurred_at timestamptz, p_until_at timestamptz, p_quantity int8, p_of uuid, p_form text, p_source_key bytea,
  out what text, out void_content bytea
)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_school constant uuid := lx.school_of(p_stream);
  v_old lx.fact;
begin
  what := 'free';
  void_content := '';
  select o.* into v_old from lx.fact o where o.district = p_district and o.id = p_id;
  if found then
    what := case when lx.fact_is(v_old, p_programme, p_kind, p_subject, p_item, p_occurred_at, p_until_at, p_quantity, p_of, p_form) then 'there' else 'refused' end;
    return;
  end if;
  if p_source_key is null then
    return;
  end if;
  insert into lx.import_key as k (district, school, source_key, fact) values (p_district, v_school, p_source_key, p_id)
  on conflict (district, school, source_key) do nothing;
  if found then
    return;
  end if;
  select o.* into strict v_old
  from lx.import_key k join lx.fact o on o.district = k.district and o.id = k.fact
  where k.district = p_district and k.school = v_school and k.source_key = p_source_key
  for update of k;
  if lx.fact_is(v_old, p_programme, p_kind, p_subject, p_item, p_occurred_at, p_until_at, p_quantity, p_of, p_form) then
    what := 'there';
    return;
  end if;
  if lx.mask_over(p_person, v_old.stream) & p_needs <> p_needs then
    what := 'refused';
    return;
  end if;
  void_content := lx.push_void(p_person, v_old, p_received_at);
  update lx.import_key k set fact = p_id where k.district = p_district and k.school = v_school and k.source_key = p_source_key;
end
$$;
revoke all on function lx.push_place from public;
grant execute on function lx.push_place to lianxiao_writer;
