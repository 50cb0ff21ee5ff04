-- next_ops: the next op_seq expected from a device, per stream; streams out of scope have 1, like unused ones. Role lianxiao_api.
-- parameters: $1 device bytea, $2 streams uuid[]
-- result: 0 stream uuid, 1 next_op_seq int8
select u.id as stream, coalesce(r.op_to, 0) + 1 as next_op_seq
from lx.unit u
left join lateral (
  select o.op_to from lx.op_run o
  where o.district = u.district and o.stream = u.id and o.device = $1::bytea
  order by o.op_to desc limit 1) r on true
where u.id = any($2::uuid[])
