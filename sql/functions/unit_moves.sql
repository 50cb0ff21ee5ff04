-- Operator: moves of units between districts that are not over: who is in transit, and how many people count nowhere meanwhile.
-- Takes nothing. Returns one row per move. Locks nothing.
create or replace function lx.unit_moves()
returns table (move uuid, unit_code text, from_code text, to_code text, left_at timestamptz, people int8, arrived bool)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select m.id, u.code, f.code, t.code, m.left_at,
         (select coalesce(sum(jsonb_array_length(k.rows)), 0)::int8 from lx.unit_package k where k.district = m.district and k.move = m.id and k.what = 'person'),
         m.taken_by is not null
  from lx.unit_move m
  join lx.unit u on u.id = m.unit
  join lx.unit f on f.id = m.from_parent
  join lx.unit t on t.id = m.to_parent
  where m.ended_at is null
  order by m.left_at
$$;
alter function lx.unit_moves owner to lianxiao_carrier;
revoke all on function lx.unit_moves from public;
grant execute on function lx.unit_moves to lianxiao_ops;
