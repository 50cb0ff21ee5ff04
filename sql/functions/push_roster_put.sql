-- Does one roster operation of push_roster.
-- Takes sender, district, what it is, its id, the stream for a new person, the row (of a person, else of a membership; of a transfer its parts stand where a
-- membership has them) and the version seen. Returns verdict (rows of push_roster) and the version now. Needs the heads locked by push_roster.
create or replace function lx.push_roster_put(
  p_sender uuid, p_district int4, p_what int4, p_id uuid, p_home uuid, p_person lx.person, p_row lx.membership, p_seen int8, out verdict int4, out version int8
)
language plpgsql
as $$
#variable_conflict use_column
begin
  if p_what = 1 then
    select r.verdict, r.version into verdict, version from lx.person_put(p_sender, p_district, p_home, p_person, p_seen) r;
  elsif p_what = 3 then
    select r.verdict, r.version into verdict, version
    from lx.transfer_out(p_sender, p_district, p_id, (p_row).person, (p_row).unit, (p_row).from_at, p_seen) r;
  elsif p_what = 4 then
    select r.verdict, r.version into verdict, version from lx.transfer_in(p_sender, p_district, p_id, p_row) r;
  else
    select r.verdict, r.version into verdict, version from lx.membership_put(p_sender, p_district, p_row, p_seen) r;
  end if;
end
$$;
revoke all on function lx.push_roster_put from public;
grant execute on function lx.push_roster_put to lianxiao_writer;
