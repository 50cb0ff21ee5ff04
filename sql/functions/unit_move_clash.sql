-- What keeps a unit's package out of a district: a teacher number, an account or a record that somebody else has there.
-- Takes the sending district, the move and the district. Returns 'teacher_no', 'account' or 'record' with the id of the one in the package; null: nothing.
-- Locks nothing.
create or replace function lx.unit_move_clash(p_from int4, p_move uuid, p_district int4, out what text, out id uuid)
language plpgsql stable
as $$
begin
  select c.what, c.id into what, id
  from (
    select case when p.id = r.id then 'record' when p.teacher_no = r.teacher_no then 'teacher_no' else 'account' end as what, r.id
    from lx.unit_package k cross join jsonb_populate_recordset(null::lx.person, k.rows) r
    join lx.person p on p.district = p_district and (p.id = r.id or p.teacher_no = r.teacher_no or p.account = r.account)
    where k.district = p_from and k.move = p_move and k.what = 'person'
    union all
    select 'record', r.id
    from lx.unit_package k cross join jsonb_populate_recordset(null::lx.membership, k.rows) r join lx.membership m on m.district = p_district and m.id = r.id
    where k.district = p_from and k.move = p_move and k.what = 'membership'
    union all
    select 'record', r.id
    from lx.unit_package k cross join jsonb_populate_recordset(null::lx.fact, k.rows) r join lx.fact f on f.district = p_district and f.id = r.id
    where k.district = p_from and k.move = p_move and k.what = 'fact') c
  limit 1;
end
$$;
revoke all on function lx.unit_move_clash from public;
grant execute on function lx.unit_move_clash to lianxiao_carrier;
