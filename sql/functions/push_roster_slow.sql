-- Does one roster operation of push_roster as push_roster_put does, so that one which meets a unique index harms nobody else: it is tried once more, since who took a
-- number at the same moment is seen then, and refused. A place of a stream that is taken is not the operation's fault: then the whole call fails.
-- Takes what push_roster_put takes. Returns verdict (16: something unforeseen is in its way; the database's log names the index) and the version now.
-- Needs the heads locked by push_roster. A subtransaction each: hundreds of them in one call would slow everybody's snapshots, so this is not the first way.
create or replace function lx.push_roster_slow(
  p_sender uuid, p_district int4, p_what int4, p_id uuid, p_home uuid, p_person lx.person, p_row lx.membership, p_seen int8, out verdict int4, out version int8
)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_index text;
begin
  for v_try in 1 .. 2 loop
    begin
      select r.verdict, r.version into verdict, version
      from lx.push_roster_put(p_sender, p_district, p_what, p_id, p_home, p_person, p_row, p_seen) r;
      return;
    exception when unique_violation then
      get stacked diagnostics v_index = constraint_name;
      if v_index like '%\_seq' then
        raise;
      end if;
      raise log 'push_roster: % of district % meets the index %', p_id, p_district, v_index;
    end;
  end loop;
  verdict := 16;
  version := 0;
end
$$;
revoke all on function lx.push_roster_slow from public;
grant execute on function lx.push_roster_slow to lianxiao_writer;
