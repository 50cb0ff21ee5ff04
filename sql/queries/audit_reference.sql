-- audit_reference: rights, units, programmes and accounts, with what the newest action about each (lx.audit_row) has to say. Called by role lianxiao_auditor, in UTC.
-- result: 0 target text, 1 detail text
select r.what || r.key, jsonb_build_object('content', encode(sha256(convert_to(r.line::text, 'UTF8')), 'hex'))::text
from (
  select 'unit ' as what, u.id::text as key, to_jsonb(u) as line from lx.unit u
  union all
  select 'programme ', p.number::text, to_jsonb(p) from lx.programme p
  union all
  select 'scheme ', s.programme || ' ' || s.version, to_jsonb(s) from lx.scheme s
  union all
  select 'role_capability ', c.role::text, to_jsonb(c) from lx.role_capability c
  union all
  select 'role_grant ', g.id::text, to_jsonb(g) from lx.role_grant g
  union all
  select 'device ', encode(d.device, 'hex'), to_jsonb(d) from lx.device d
  union all
  select 'account ', a.person::text, to_jsonb(a)
  from (select a.person, a.created_at, a.disabled_at, a.must_change, a.account, a.name from lx.account a) a
) r
