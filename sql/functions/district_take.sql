-- Makes the caller's transaction the one writer of a district's figures.
-- Takes the district. Returns whether it was free, the clock (read before any head is), and the day that the district has begun.
-- Locks the row of district_state until the transaction ends; skips it when somebody else has it.
create or replace function lx.district_take(p_district int4) returns table (taken bool, now timestamptz, day date)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_state lx.district_state;
begin
  select s.* into v_state from lx.district_state s where s.district = p_district for update skip locked;
  return query select v_state.district is not null, clock_timestamp(), v_state.day;
end
$$;
revoke all on function lx.district_take from public;
grant execute on function lx.district_take to lianxiao_assessor;
