-- May the operations of a bundle be judged at all? The device that signed it is good, and its author had the login on it that the bundle names: one that nobody has
-- ended, though it may have run out meanwhile (a school may be away for a term). Whatever the answer, the carrying is audited.
-- Takes who carries it on which device; device, author and login (SHA-256 of the token) of the bundle; its id and part. Returns 1 good, 2 device unknown, revoked or
-- frozen, 3 no such login, ended, disabled, with a password that must be changed first, or begun more than 400 days ago. Locks nothing.
create or replace function lx.bundle_check(p_carrier uuid, p_carrier_device bytea, p_device bytea, p_person uuid, p_login bytea, p_bundle uuid, p_part int4)
returns table (verdict int4)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_verdict int4;
begin
  select case
           when d.device is null or d.revoked_at is not null or d.frozen_at is not null then 2
           when not exists (select 1 from lx.session s join lx.account a on a.person = s.person
                            where s.token_hash = p_login and s.person = p_person and s.device = p_device and s.closed_at is null
                              and s.opened_at > now() - interval '400 days' and a.disabled_at is null and not a.must_change) then 3
           else 1
         end
  into strict v_verdict
  from (values (1)) one (row) left join lx.device d on d.device = p_device;
  perform lx.audit_add(p_carrier, null, p_carrier_device, 'bundle', null, p_bundle::text,
                       jsonb_build_object('part', p_part, 'device', encode(p_device, 'hex'), 'author', p_person, 'verdict', v_verdict));
  return query select v_verdict;
end
$$;
alter function lx.bundle_check owner to lianxiao_auth;
revoke all on function lx.bundle_check from public;
grant execute on function lx.bundle_check to lianxiao_api;
