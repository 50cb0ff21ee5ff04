-- Is any record of a package there already under its id? Nobody's client makes an id twice on purpose, but then the package must wait, not lose a row.
-- Takes the district and the package. Returns bool. Locks nothing.
create or replace function lx.transfer_clashes(p_district int4, p_body jsonb) returns bool
language plpgsql stable
as $$
begin
  return exists (select from lx.person p where p.district = p_district and p.id = (p_body #>> '{person,id}')::uuid)
      or exists (select from jsonb_array_elements(p_body -> 'memberships') r (row) join lx.membership m on m.district = p_district and m.id = (r.row ->> 'id')::uuid)
      or exists (select from jsonb_array_elements(p_body -> 'facts') r (row) join lx.fact f on f.district = p_district and f.id = (r.row ->> 'id')::uuid)
      or exists (select from jsonb_array_elements(p_body -> 'standings') r (row) join lx.standing s on s.district = p_district and s.id = (r.row ->> 'id')::uuid);
end
$$;
revoke all on function lx.transfer_clashes from public;
grant execute on function lx.transfer_clashes to lianxiao_carrier;
