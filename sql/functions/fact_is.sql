-- Has this stored fact the same content (all but id, sender and times of receipt)?
-- Takes the stored fact and the content. Returns bool. Locks nothing.
create or replace function lx.fact_is(
  p_fact lx.fact, p_programme int4, p_kind int4, p_subject uuid, p_item text, p_occurred_at timestamptz, p_until_at timestamptz, p_quantity int8, p_of uuid, p_form text
) returns bool
language sql immutable
as $$
  select ((p_fact).programme, (p_fact).kind, (p_fact).subject, (p_fact).item, (p_fact).occurred_at, (p_fact).until_at, (p_fact).quantity, (p_fact).of_id, (p_fact).form)
         is not distinct from (p_programme::int2, p_kind::int2, p_subject, p_item, p_occurred_at, p_until_at, p_quantity, p_of, p_form)
$$;
revoke all on function lx.fact_is from public;
grant execute on function lx.fact_is to lianxiao_writer;
