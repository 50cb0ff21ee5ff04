-- Takes what people who left the district had added to its roll-ups in one programme, to be taken back.
-- Takes district and programme. Returns contributions; the rows are removed, so the transaction must do the work. Needs district_take.
create or replace function lx.gone_take(p_district int4, p_programme int4) returns table (contribution bytea)
language plpgsql
as $$
#variable_conflict use_column
begin
  return query
    delete from lx.standing_gone g where g.district = p_district and g.programme = p_programme returning g.contribution;
end
$$;
revoke all on function lx.gone_take from public;
grant execute on function lx.gone_take to lianxiao_assessor;
