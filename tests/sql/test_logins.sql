-- Logins: delays, sessions, one-time codes, devices, users and grants, each with its audit row.
begin;
\ir fixture.sql
select plan(64);
create function pg_temp.fail(p_account text, p_device int4, p_times int4) returns int8 language plpgsql as $$
declare
  v_wait int8;
begin
  for i in 1 .. p_times loop
    select wait_ms into v_wait from lx.login_lookup(p_account, pg_temp.dev(p_device));
    perform lx.login_result(p_account, pg_temp.dev(p_device), false);
  end loop;
  select lx.login_wait(p_account, pg_temp.dev(p_device)) into v_wait;
  return v_wait;
end $$;

-- delays
select is((select (person, name, hash, wait_ms)::text from lx.login_lookup('acc.s1', pg_temp.dev(1))), format('(%s,"Name of s1",hash,0)', pg_temp.p('s1')), 'lookup');
select is((select failures from lx.login_result('acc.s1', pg_temp.dev(1), true)), 0, 'success clears the attempt');
select is((select (person, hash, wait_ms)::text from lx.login_lookup('no.such', pg_temp.dev(1))), '(,,0)', 'an unknown name gets a row, too');
select is(pg_temp.fail('acc.s1', 2, 4), 0::int8, 'four failures: no delay');
select cmp_ok(pg_temp.fail('acc.s1', 2, 1), '>', 0::int8, 'five: a delay');
select cmp_ok((select wait_ms from lx.login_lookup('acc.s1', pg_temp.dev(3))), '>', 0::int8, 'for every unknown device');
select is((select person from lx.login_lookup('acc.s1', pg_temp.dev(3))), null, 'and nothing to guess against');
select is((select wait_ms from lx.login_lookup('acc.s1', pg_temp.dev(1))), 0::int8, 'a device with a past success skips it');
select cmp_ok(pg_temp.fail('no.such', 2, 4), '>', 0::int8, 'the fifth attempt on an unknown name is delayed the same');
select cmp_ok((select wait_ms from lx.login_lookup('no.such', pg_temp.dev(3))), '>', 0::int8, 'from every device');
update lx.login_failure set failures = 8, last_at = clock_timestamp() where account = 'acc.s1' and device = pg_temp.dev(2);
select cmp_ok(lx.login_wait('acc.s1', pg_temp.dev(2)), '>', 4000::int8, 'the delay grows');
update lx.login_failure set failures = 1000, last_at = clock_timestamp() where account = 'acc.s1' and device = pg_temp.dev(2);
select cmp_ok(lx.login_wait('acc.s1', pg_temp.dev(2)), '<=', 900000::int8, 'up to 15 minutes');
update lx.login_failure set last_at = now() - interval '2 hours' where account = 'acc.s1';
select is(lx.login_wait('acc.s1', pg_temp.dev(2)), 0::int8, 'and is forgotten');
select is((select array_agg(distinct action order by action) from lx.audit where action like 'login%'), array['login', 'login_failed'], 'logins are audited');

-- sessions
select is((select (idle_until - now(), until_at - now())::text from lx.session_open(sha256('t1'), pg_temp.p('s1'), pg_temp.dev(1), 3600, 86400)), '(01:00:00,"1 day")', 'a session with both limits');
select is((select (person, account, must_change)::text from lx.session_resume(sha256('t1'), pg_temp.dev(1))), format('(%s,acc.s1,t)', pg_temp.p('s1')), 'resumes');
select is_empty($$ select * from lx.session_resume(sha256('t1'), pg_temp.dev(2)) $$, 'not on another device');
select is_empty($$ select * from lx.session_resume(sha256('t2'), pg_temp.dev(1)) $$, 'not with another token');
select is((select count(*) from lx.session_alive(array[sha256('t1'), sha256('t2')])), 1::int8, 'alive');
update lx.session set idle_until = now() - interval '1 s';
select is_empty($$ select * from lx.session_resume(sha256('t1'), pg_temp.dev(1)) $$, 'not after the idle limit');
update lx.session set idle_until = now() + interval '1 h', until_at = now() - interval '1 s';
select is_empty($$ select * from lx.session_resume(sha256('t1'), pg_temp.dev(1)) $$, 'not after the absolute limit');
update lx.session set until_at = now() + interval '1 h';
select lx.session_open(sha256('t3'), pg_temp.p('s1'), pg_temp.dev(1), 3600, 86400) \g /dev/null
select is((select done from lx.password_change(pg_temp.p('s1'), 'new hash', sha256('t3'))), true, 'a new password');
select is((select array_agg(token_hash) from lx.session_alive(array[sha256('t1'), sha256('t3')])), array[sha256('t3')], 'ends the other sessions');
select is((select (hash, wait_ms)::text from lx.password_of(pg_temp.p('s1'), pg_temp.dev(1))), '("new hash",0)', 'password_of');
select is((select closed from lx.session_close(sha256('t3'))), true, 'logout');
select is((select closed from lx.session_close(sha256('t3'))), false, 'once');
select lx.session_open(sha256('t4'), pg_temp.p('s1'), pg_temp.dev(1), 3600, 86400) \g /dev/null
select is((select verdict from lx.ops_device_revoke('op', pg_temp.dev(1))), 1, 'a device is revoked');
select is_empty($$ select * from lx.session_alive(array[sha256('t4')]) $$, 'its sessions are over');
select is_empty($$ select * from lx.session_open(sha256('t5'), pg_temp.p('s1'), pg_temp.dev(1), 3600, 86400) $$, 'and it opens no more');
select is((select array_agg(verdict order by n) from unnest(array[1, 2, 99]) n, lx.device_check(pg_temp.dev(n))), array[3, 1, 2], 'device_check: revoked, good, unknown');
select is((select done from lx.device_renewed(pg_temp.dev(1), now())), false, 'a revoked device does not renew');

-- codes
select is((select verdict from lx.code_issue(pg_temp.p('s1'), pg_temp.dev(2), 'S1-1', 'AAAA', sha256('AAAA1'), 1)), 1, 'a school issues a code for its workshop');
select is((select verdict from lx.code_issue(pg_temp.p('s1'), pg_temp.dev(2), 'S2-1', 'BBBB', sha256('BBBB1'), 1)), 2, 'not for another school''s');
select is((select verdict from lx.code_issue(pg_temp.p('s1'), pg_temp.dev(2), 'none', 'BBBB', sha256('BBBB1'), 1)), 2, 'an unknown unit gets the same answer');
select is((select verdict from lx.code_issue(pg_temp.p('w11'), pg_temp.dev(2), 'S1-1', 'BBBB', sha256('BBBB1'), 1)), 2, 'a head issues none');
select is((select verdict from lx.code_issue(pg_temp.p('s1'), pg_temp.dev(2), 'S1', 'AAAA', sha256('AAAA2'), 1)), 3, 'a lookup in use is taken');
select is((select (verdict, unit)::text from lx.enrol_code_check('AAAA', sha256('AAAA1'))), format('(1,%s)', pg_temp.u('S1-1')), 'the code is good');
select is((select verdict from lx.enrol_finish('AAAA', sha256('AAAA1'), sha256('new'), 'label', now() + interval '2 years')), 1, 'and enters a device');
select is((select verdict from lx.enrol_finish('AAAA', sha256('AAAA1'), sha256('new2'), 'label', now() + interval '2 years')), 2, 'once');
select is((select verdict from lx.enrol_code_check('AAAA', sha256('AAAA1'))), 2, 'it is used up');
select is((select verdict from lx.ops_code_issue('op', 'S2', 'CCCC', sha256('CCCC1'), 1)), 1, 'operators issue codes');
select is((select verdict from lx.enrol_code_check('CCCC', sha256('g1'))), 2, 'a wrong try');
select is((select verdict from lx.enrol_code_check('CCCC', sha256('g2'))), 2, 'two');
select is((select verdict from lx.enrol_code_check('CCCC', sha256('CCCC1'))), 1, 'the right one is still good');
select lx.enrol_code_check('CCCC', sha256('g3')), lx.enrol_code_check('CCCC', sha256('g4')), lx.enrol_code_check('CCCC', sha256('g5')) \g /dev/null
select is((select tries from lx.enrol_code where lookup = 'CCCC'), 5, 'five tries');
select is((select verdict from lx.enrol_code_check('CCCC', sha256('CCCC1'))), 2, 'and it is dead');
select is((select verdict from lx.ops_code_issue('op', 'S2', 'DDDD', sha256('D'), 1)), 1, 'another');
update lx.enrol_code set until_at = now() - interval '1 s' where lookup = 'DDDD';
select is((select verdict from lx.enrol_finish('DDDD', sha256('D'), sha256('new3'), 'label', now())), 2, 'an old code is not valid');

-- users and grants
select is((select verdict from lx.user_add(pg_temp.p('s1'), pg_temp.dev(2), 'new.head', 'Sun', null, 'h', 2, 'S1-2', null)), 1, 'a school adds a head');
select is((select verdict from lx.user_add(pg_temp.p('s1'), pg_temp.dev(2), 'new.head', 'Sun', null, 'h', 2, 'S1-2', null)), 3, 'the name is taken then');
select is((select verdict from lx.user_add(pg_temp.p('s1'), pg_temp.dev(2), 'new.two', 'Sun', null, 'h', 2, 'S2-1', null)), 2, 'not in another school');
select is((select verdict from lx.user_add(pg_temp.p('s1'), pg_temp.dev(2), 'new.two', 'Sun', null, 'h', 6, 'S1', null)), 2, 'no role above his own');
select is((select verdict from lx.grant_add(pg_temp.p('s1'), pg_temp.dev(2), 'new.head', 2, 'S1-1', null, null, pg_temp.id('gx'))), 1, 'a grant in one''s own subtree');
select is((select verdict from lx.grant_add(pg_temp.p('s1'), pg_temp.dev(2), 'new.head', 3, 'S1-1', null, null, null)), 4, 'a role at the wrong level');
select is((select verdict from lx.grant_add(pg_temp.p('s1'), pg_temp.dev(2), 'new.head', 4, 'D1', null, null, null)), 2, 'nothing above');
select is((select verdict from lx.grant_add(pg_temp.p('s1'), pg_temp.dev(2), 'acc.s1', 2, 'S1-1', null, null, null)), 2, 'nothing to oneself');
select is((select verdict from lx.grant_revoke(pg_temp.p('s2'), pg_temp.dev(2), pg_temp.id('gx'), false)), 2, 'another school cannot take it');
create temp table scope_before as select lx.scope_version(a.person) as v from lx.account a where account = 'new.head';
select is((select verdict from lx.grant_revoke(pg_temp.p('d1'), pg_temp.dev(2), pg_temp.id('gx'), true)), 1, 'the district can');
select cmp_ok((select lx.scope_version(a.person) from lx.account a where account = 'new.head'), '>=', (select v from scope_before), 'the scope version grows');
select is((select array_agg(u.code order by u.level, u.code) from lx.scope_of((select person from lx.account where account = 'new.head')) s join lx.unit u on u.id = s.id where row_kind = 2), array['C', 'S1-2'], 'scope: the city''s stream and what is left');
select is((select array_agg(u.code order by u.level, u.code) from lx.scope_of(pg_temp.p('d1')) s join lx.unit u on u.id = s.id where row_kind = 2), array['C', 'D1', 'S1', 'S2', 'S1-1', 'S1-2', 'S2-1', 'S2-2'], 'scope of a district');
select is((select verdict from lx.ops_user_disable('op', 'new.head')), 1, 'disabled');
select is((select person from lx.login_lookup('new.head', pg_temp.dev(2))), null, 'like an unknown name');
select is_empty($$ select a.* from lx.audit a where a::text ~ 'Sun|Name of' $$, 'no names in the audit trail');
select finish();
rollback;
