-- Everything that travels with a person, as one document. Memberships that were open end the day he leaves (their version goes up); nothing else changes.
-- Takes district, person and the day. Returns the package. Needs the head of his stream locked by the caller.
create or replace function lx.transfer_pack(p_district int4, p_person lx.person, p_left_at timestamptz) returns jsonb
language plpgsql stable
as $$
begin
  return jsonb_build_object(
    'person', to_jsonb(p_person),
    'memberships', (
      select coalesce(jsonb_agg(case when m.until_at is null or m.until_at > p_left_at
                                     then to_jsonb(m) || jsonb_build_object('until_at', greatest(m.from_at, p_left_at), 'version', m.version + 1)
                                     else to_jsonb(m) end order by m.seq), '[]')
      from lx.membership m where m.district = p_district and m.person = (p_person).id),
    'facts', (
      select coalesce(jsonb_agg(to_jsonb(f) order by f.seq), '[]')
      from lx.fact f where f.district = p_district and f.stream = (p_person).stream and f.subject = (p_person).id),
    'submissions', (
      select coalesce(jsonb_agg(to_jsonb(s)), '[]')
      from lx.fact f join lx.submission s on s.district = f.district and s.fact = f.id
      where f.district = p_district and f.stream = (p_person).stream and f.subject = (p_person).id),
    'keys', (
      select coalesce(jsonb_agg(to_jsonb(k)), '[]')
      from lx.fact f join lx.import_key k on k.district = f.district and k.fact = f.id
      where f.district = p_district and f.stream = (p_person).stream and f.subject = (p_person).id),
    'standings', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'contribution' order by s.seq), '[]')
      from lx.standing s where s.district = p_district and s.subject = (p_person).id));
end
$$;
revoke all on function lx.transfer_pack from public;
grant execute on function lx.transfer_pack to lianxiao_carrier;
