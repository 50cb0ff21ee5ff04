-- Security events: every change becomes a link of the chain; a database that has lost some gets them again.
begin;
\ir fixture.sql
select plan(74);
set constraints all immediate; -- every change is a commit of its own here

create function pg_temp.head() returns lx.security_head language sql as $$ select h from lx.security_head h $$;
create function pg_temp.noted(p_sql text) returns text[] language plpgsql as $$
declare
  v_before constant int8 := (pg_temp.head()).no;
begin
  execute p_sql;
  return array(select what from lx.security_event where no > v_before order by no);
end $$;

select is((pg_temp.head()).no, 26::int8, 'the fixture''s devices, accounts and grants are events');
select is_empty($$ select e.no from lx.security_event e
                   where e.hash <> lx.security_hash(coalesce((select b.hash from lx.security_event b where b.no = e.no - 1), sha256('')), e.no, e.at_ms, e.what, e.body) $$, 'the chain holds');
select is((select hash from lx.security_event order by no desc limit 1), (pg_temp.head()).hash, 'its end is the head');
select is((select count(*) from lx.security_events(20, 100)), 6::int8, 'what follows a number');
select is((select hash_before from lx.security_events(20, 1)), (select hash from lx.security_event where no = 20), 'with the hash before');

-- what the journal could not read again
select throws_ok($$ update lx.device set label = repeat('x', 16000) $$, '54000', null, 'a row longer than a line of the journal is refused');
select lives_ok($$ update lx.device set label = repeat('x', 15000) where device = pg_temp.dev(1) $$, 'a shorter one is not');

-- every action
select is(pg_temp.noted($$ select lx.session_open(sha256('t1'), pg_temp.p('s1'), pg_temp.dev(1), 3600, 86400) $$), array['session'], 'login');
select is(pg_temp.noted($$ select lx.session_resume(sha256('t1'), pg_temp.dev(1)) $$), '{}', 'use of a session is none');
select is(pg_temp.noted($$ select lx.password_change(pg_temp.p('s1'), 'new hash', null) $$), array['account', 'session'], 'new password');
select is(pg_temp.noted($$ select lx.session_open(sha256('t2'), pg_temp.p('s1'), pg_temp.dev(1), 3600, 86400) $$), array['session'], 'login');
select is(pg_temp.noted($$ select lx.session_close(sha256('t2')) $$), array['session'], 'logout');
select is(pg_temp.noted($$ select lx.code_issue(pg_temp.p('d1'), pg_temp.dev(1), 'S1', 'ABCD', sha256('code'), 1) $$), array['enrol_code'], 'code');
select is(pg_temp.noted($$ select lx.enrol_code_check('ABCD', sha256('wrong')) $$), '{}', 'a failed try is none');
select is(pg_temp.noted($$ select lx.enrol_finish('ABCD', sha256('code'), pg_temp.dev(50), 'label', now() + interval '1 y') $$), array['device', 'enrol_code'], 'enrolment');
select is(pg_temp.noted($$ select lx.device_renewed(pg_temp.dev(50), now() + interval '2 y') $$), array['device'], 'renewal');
select is(pg_temp.noted($$ select lx.ops_device_revoke('op', pg_temp.dev(50)) $$), array['device'], 'device revoked');
select is(pg_temp.noted($$ select lx.user_add(pg_temp.p('s1'), pg_temp.dev(2), 'new.head', 'Sun', null, 'h', 2, 'S1-2', pg_temp.id('gx')) $$), array['account', 'role_grant'], 'user with a grant');
select is(pg_temp.noted($$ select lx.grant_revoke(pg_temp.p('d1'), pg_temp.dev(2), pg_temp.id('gx'), true) $$), array['role_grant'], 'grant revoked');
select is(pg_temp.noted($$ select lx.ops_user_reset('op', 'new.head', 'h2') $$), array['account'], 'password reset');
select is(pg_temp.noted($$ select lx.ops_user_disable('op', 'new.head') $$), array['account'], 'disabled');
select is(pg_temp.noted($$ update lx.device set frozen_at = now() where device = pg_temp.dev(3) $$), array['device'], 'frozen, as push does');
select is_empty($$ select from lx.security_event where body ~ 'correct-horse' $$, 'no password');

-- lost and replayed
create temp table lost as select * from lx.security_event where no > 26;
create temp table rows_then as
  select 'account' as what, to_jsonb(a) as body from lx.account a union all select 'role_grant', to_jsonb(g) from lx.role_grant g
  union all select 'device', to_jsonb(d) from lx.device d union all select 'enrol_code', to_jsonb(c) - 'tries' from lx.enrol_code c
  union all select 'session', to_jsonb(s) - array['idle_until'] from lx.session s;
create function pg_temp.replay(p_from int8, p_to int8, p_open bool, p_body text default null) returns int4 language sql as $$
  select verdict from lx.security_replay('op', array(select no from lost where no between p_from and p_to order by no), array(select at_ms from lost where no between p_from and p_to order by no),
    array(select what from lost where no between p_from and p_to order by no), array(select coalesce(p_body, body) from lost where no between p_from and p_to order by no),
    (select hash from lost where no = p_to), p_open, false)
$$;
select is(pg_temp.replay(27, 28, false), 2, 'nothing is replayed into an open database');
set session_replication_role = replica; -- back to where it was, as a restore does
delete from lx.session; delete from lx.enrol_code; delete from lx.device where device = pg_temp.dev(50);
update lx.device set frozen_at = null; delete from lx.role_grant where id = pg_temp.id('gx'); delete from lx.account where account = 'new.head';
update lx.account set password_hash = 'hash', must_change = true;
delete from lx.security_event where no > 26;
update lx.security_head set no = 26, hash = (select hash from lx.security_event where no = 26);
set session_replication_role = origin;
select lx.epoch_renew('test') \g /dev/null
select throws_ok($$ select lx.ops_user_disable('op', 'acc.s2') $$, '55000', null, 'nothing changes beside the journal');
select is(pg_temp.replay(28, 29, false), 3, 'a gap');
select is(pg_temp.replay(27, 28, false, '{}'), 3, 'a broken chain');
select is((pg_temp.head()).no, 26::int8, 'change nothing');
set local role lianxiao_api;
select throws_ok($$ select lx.security_replay('op', '{}', '{}', '{}', '{}', '', true, true) $$, '42501', null, 'a worker may not replay');
reset role;
select is(pg_temp.replay(27, 30, false), 1, 'a part');
select is((select opened_at from lx.epoch), null, 'closed yet');
select is(pg_temp.replay(27, 30, false), 3, 'the same again does not follow');
select is(pg_temp.replay(31, (select max(no) from lost), true), 1, 'the rest');
select isnt((select opened_at from lx.epoch), null, 'open');
select is((pg_temp.head()).hash, (select hash from lost order by no desc limit 1), 'the same chain');
select set_eq('select * from lx.security_event where no > 26', 'select * from lost', 'the same events, none twice');
select set_eq($$ select 'account' as what, to_jsonb(a) as body from lx.account a union all select 'role_grant', to_jsonb(g) from lx.role_grant g
  union all select 'device', to_jsonb(d) from lx.device d union all select 'enrol_code', to_jsonb(c) - 'tries' from lx.enrol_code c
  union all select 'session', to_jsonb(s) - array['idle_until'] from lx.session s $$, 'select what, body from rows_then', 'the same rows');
select is(pg_temp.noted($$ select lx.ops_user_disable('op', 'acc.s2') $$), array['account'], 'and it goes on');
select is((select count(*) from lx.security_event), (pg_temp.head()).no, 'without a hole');

-- what cannot be stored
create temp table given as
  select g.id, (select d.device from lx.device d where d.device = pg_temp.dev(4)) as device, (select a.person from lx.account a where a.account = 'acc.d1') as person, sha256('open') as token
  from lx.role_grant g where g.person = pg_temp.p('d1') and g.revoked_at is null limit 1;
select lx.session_open((select token from given), (select person from given), (select device from given), 3600, 86400) \g /dev/null
select lx.code_issue(pg_temp.p('d1'), pg_temp.dev(1), 'S1', 'OPEN', sha256('code'), 1) \g /dev/null
create function pg_temp.ended() returns text language sql as $$
  select concat_ws(' ', (select 'grant' from lx.role_grant g join given using (id) where g.revoked_at is not null), (select 'account' from lx.account a join given using (person) where a.disabled_at is not null),
                   (select 'device' from lx.device d join given using (device) where d.revoked_at is not null), (select 'code' from lx.enrol_code c where c.lookup = 'OPEN' and c.used_at is not null),
                   (select 'session' from lx.session s join given on s.token_hash = given.token where s.closed_at is not null))
$$;
-- one of each kind whose row the database cannot take, then one that it can, as a chain behind the database's own
create function pg_temp.chain(p_what text[], p_body text[]) returns table (no int8, what text, body text, hash bytea) language plpgsql as $$
begin
  no := (pg_temp.head()).no;
  hash := (pg_temp.head()).hash;
  for i in 1 .. cardinality(p_what) loop
    no := no + 1; what := p_what[i]; body := p_body[i]; hash := lx.security_hash(hash, no, 5, what, body);
    return next;
  end loop;
end $$;
create temp table unfit as
  select c.* from pg_temp.chain(array['role_grant', 'account', 'device', 'enrol_code', 'session', 'account', 'no_such'], array[
    (select (to_jsonb(g) || '{"role": 99, "for_cause": true}')::text from lx.role_grant g join given using (id)), (select (to_jsonb(a) || '{"account": "X"}')::text from lx.account a join given using (person)),
    (select (to_jsonb(d) || '{"label": null}')::text from lx.device d join given using (device)), (select (to_jsonb(c) || '{"code_hash": "\\x00"}')::text from lx.enrol_code c where c.lookup = 'OPEN'),
    (select (to_jsonb(s) || '{"person": null}')::text from lx.session s join given on s.token_hash = given.token), (select (to_jsonb(a) || '{"name": "Renamed"}')::text from lx.account a where a.account = 'acc.s1'), '{}']) c;
create function pg_temp.replay_unfit(p_anyhow bool) returns table (verdict int4, place int8, why text) language sql as $$
  select r.verdict, r.no - (select min(no) from unfit) + 1, r.why from (select array_agg(no order by no) as no, array_agg(5::int8) as at_ms, array_agg(what order by no) as what, array_agg(body order by no) as body,
    (select hash from unfit order by no desc limit 1) as hash from unfit) u, lateral lx.security_replay('op', u.no, u.at_ms, u.what, u.body, u.hash, true, p_anyhow) r
$$;
create temp table whole as select h.no, h.hash from lx.security_head h;
select lx.epoch_renew('test') \g /dev/null
select results_eq($$ select verdict, place, why ~ 'role' from pg_temp.replay_unfit(false) $$, $$ values (5, 1::int8, true) $$, 'the first event that cannot be stored is named, and why');
select is((pg_temp.head()).no, (select no from whole), 'nothing of it is done');
select is((select opened_at from lx.epoch), null, 'and the database stays closed');
select is(pg_temp.ended(), '', 'nothing has ended');
create temp table left_out as select * from pg_temp.replay_unfit(true);
select results_eq($$ select verdict, place from left_out $$, $$ values (6, 1::int8), (6, 2), (6, 3), (6, 4), (6, 5), (6, 7), (1, null) $$, 'when told to, it leaves them out, each by its number');
select is_empty($$ select from left_out where verdict = 6 and coalesce(why, '') = '' $$, 'with the reason');
select is(pg_temp.ended(), 'grant account device code session', 'and ends what their rows gave before');
select ok((select g.for_cause from lx.role_grant g join given using (id)), 'for cause, when it was');
select is((select name from lx.account where account = 'acc.s1'), 'Renamed', 'what can be stored is');
select is((pg_temp.head()).hash, (select hash from unfit order by no desc limit 1), 'the chain is the journal''s');
select isnt((select opened_at from lx.epoch), null, 'open');
select is((select jsonb_array_length(detail->'left_out') from lx.audit where action = 'journal_replay' order by at desc limit 1), 6, 'audited');

-- a journal that ends before the database
select is((select count(*) from lx.security_lacking((pg_temp.head()).no, (pg_temp.head()).hash, 9)), 0::int8, 'one that ends with it lacks nothing');
select results_eq($$ select no, what, total from lx.security_lacking((select no from whole), (select hash from whole), 2) $$, $$ select no, what, 7::int8 from unfit order by no limit 2 $$, 'what one lacks that ends with one of its events');
select is((select count(*) from lx.security_lacking((select no from whole), sha256('x'), 9)), 0::int8, 'another database''s proves nothing');
select is((select count(*) from lx.security_lacking(0, sha256(''), 9)), 0::int8, 'nor does an empty one');
set local role lianxiao_api;
select throws_ok($$ select lx.security_lacking(1, '', 1) $$, '42501', null, 'a worker has no need of it');
select throws_ok($$ select lx.security_end('device', '{}') $$, '42501', null, 'nor may it end anything');
reset role;

-- behind a broken line
select is((select verdict from lx.security_end_all('op', '{}', '{}')), 2, 'nothing is ended in an open database');
create temp table behind as
  select 'device' as what, to_jsonb(d) || '{"frozen_at": "2021-01-01"}' as body from lx.device d where d.device = pg_temp.dev(5)
  union all select 'device', to_jsonb(d) from lx.device d where d.device = pg_temp.dev(6)
  union all select 'account', to_jsonb(a) || '{"disabled_at": "2021-01-01"}' from lx.account a where a.account in ('acc.s1', 'acc.d1');
select lx.epoch_renew('test') \g /dev/null
select is((select verdict from lx.security_end_all('op', (select array_agg(what) from behind), (select array_agg(body::text) from behind))), 1, 'what they have ended');
select results_eq($$ select d.revoked_at is not null from lx.device d where d.device in (pg_temp.dev(5), pg_temp.dev(6)) order by d.device = pg_temp.dev(6) $$, $$ values (true), (false) $$, 'ends, and nothing else');
select isnt((select disabled_at from lx.account where account = 'acc.s1'), null, 'an account, too');
select is((select array_agg(what order by what) from lx.security_event where no > (select max(no) from unfit)), array['account', 'device'], 'as events of its own; what had ended before is none');
select is((select opened_at from lx.epoch), null, 'closed yet');
select lx.epoch_accept('op') \g /dev/null
create temp table newest as select h.no, h.hash from lx.security_head h;
create temp table chain_then as select no, hash from lx.security_event;

-- a long holiday: everything is old when somebody comes back
set session_replication_role = replica;
update lx.security_event set at_ms = at_ms - 40::int8 * 24 * 3600 * 1000;
set session_replication_role = origin;
select is(pg_temp.noted($$ select lx.ops_user_reset('op', 'acc.s1', 'h3') $$), array['account'], 'he comes back');
select is((select count(*) from lx.security_event), (select no + 1 from newest), 'nothing is forgotten before a journal has it');
select is((select count(*) from lx.security_events((select no - 3 from newest), 100)), 4::int8, 'a journal that was behind gets all of it');
select is((select hash_before from lx.security_events((select no - 3 from newest), 1)), (select hash from chain_then where no = (select no - 3 from newest)), 'whose first one follows its end');
select is((select min(no) from lx.security_event), (select no - 3 from newest), 'what it has is forgotten');
select is((select hash_before from lx.security_events((select no from newest), 1)), (select hash from newest), 'what follows the journal''s end says so');
select is((select count(*) from lx.security_events((select no + 1 from newest), 1)), 0::int8, 'it has all');
select is((select min(no) from lx.security_event), (select no from newest), 'the rest of the old is forgotten');
select results_eq($$ select no, hash_before from lx.security_events(0, 10) $$, $$ select no + 1, hash from newest $$, 'a journal that begins anew begins behind it');

-- no journal is kept
update lx.security_event set at_ms = at_ms - 40::int8 * 24 * 3600 * 1000;
set local role lianxiao_assessor;
select is(lx.security_forget(null), 1::int8, 'age alone counts');
reset role;
select is((select array_agg(no) from lx.security_event), array[(select no + 1 from newest)], 'the last one stays');
select finish();
rollback;
