-- Sets a district's watermark.
-- Takes district, the clock of district_take (null: leave as it is), scheme version, how many subjects wait for a rescore, and the oldest pass that
-- somebody in the live lane waits for (null: nobody). Returns nothing.
-- Locks the row of district_state, which district_take holds already.
drop function if exists lx.district_put(int4, timestamptz, int4, int8);
create or replace function lx.district_put(p_district int4, p_complete_through timestamptz, p_scheme_version int4, p_to_rescore int8, p_waiting int8) returns void
language plpgsql
as $$
begin
  update lx.district_state s
  set complete_through = greatest(s.complete_through, p_complete_through), scheme_version = p_scheme_version, to_rescore = p_to_rescore, waiting = p_waiting
  where s.district = p_district;
end
$$;
revoke all on function lx.district_put from public;
grant execute on function lx.district_put to lianxiao_assessor;
