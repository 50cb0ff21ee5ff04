-- The content hash of a stored record of any kind.
-- Takes district, kind ('person', 'membership', 'fact') and id. Returns 16 bytes, null when it is not there. Locks nothing.
create or replace function lx.record_content(p_district int4, p_what text, p_id uuid) returns bytea
language plpgsql stable
as $$
begin
  return case p_what
    when 'person' then lx.person_content(p_district, p_id)
    when 'membership' then lx.membership_content(p_district, p_id)
    else (select lx.fact_content(f, s.sha256)
          from lx.fact f left join lx.submission s on s.district = f.district and s.fact = f.id
          where f.district = p_district and f.id = p_id) end;
end
$$;
revoke all on function lx.record_content from public;
grant execute on function lx.record_content to lianxiao_writer, lianxiao_carrier;
