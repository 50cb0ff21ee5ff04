-- audit_senders: what there is of every stream and device of a district, and how far the sealer thinks that it has sealed. Called by role lianxiao_auditor.
-- parameters: $1 district int4
-- result: 0 stream uuid, 1 device bytea, 2 runs int8, 3 op_to int8 (newest), 4 sealed_runs int8, 5 sealed_to int8
with there as (
  select o.stream, o.device, count(*) as runs, max(o.op_to) as op_to from lx.op_run o where o.district = $1::int4 group by o.stream, o.device
),
sealed as (
  select c.stream, c.device, c.runs, c.op_to from lx.seal_cursor c where c.district = $1::int4
)
select coalesce(t.stream, s.stream), coalesce(t.device, s.device), coalesce(t.runs, 0), coalesce(t.op_to, 0), coalesce(s.runs, 0), coalesce(s.op_to, 0)
from there t full join sealed s on s.stream = t.stream and s.device = t.device
