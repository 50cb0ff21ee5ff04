-- What nobody foresaw stands in the way of a roster operation, and stays: it is refused alone, by name, and what was pushed with it is done.
begin;
\ir fixture.sql
select plan(15);
insert into lx.account (person, account, name, password_hash) values (pg_temp.p('d2'), 'acc.d2', 'Name of d2', 'hash');
insert into lx.role_grant (id, person, unit, role, from_at) values (pg_temp.id('grant d2'), pg_temp.p('d2'), pg_temp.u('D2'), 4, now() - interval '100 days');
-- Three operations of one group: somebody new, a taking-in, somebody new.
create function pg_temp.three(p_op int8, p_slow bool) returns int4[] language sql as $$
  select array_agg(r.verdict order by r.row_no) from lx.push_roster(
    pg_temp.dev(3), pg_temp.p('d2'), 2, pg_temp.u('S3-1'), p_op, substring(sha256(int8send(p_op)) || sha256('x') from 1 for 48), 9000000000000, 0, '', now(),
    array_fill('\x0802'::bytea, array[15]) || '\x0810'::bytea, array[p_op, p_op + 1, p_op + 2], array[1, 4, 1], array[pg_temp.id('a' || p_op), pg_temp.id('out'), pg_temp.id('b' || p_op)], array[0, 0, 0]::int8[],
    array['A', null, 'B'], '{}', '{}', array[true, null, true], array[true, null, true], array[true, null, true], array[true, null, true], array[1980, null, 1980], '{}',
    array[null, pg_temp.id('one'), null], array[null, 1, null], array[null, pg_temp.u('S3-1'), null], array[null, 1, null], array[null, '2021-08-01T00:00:00Z'::timestamptz, null], '{}',
    array[null, false, null], array[null, pg_temp.id('m9'), null], p_slow) r
$$;
create function pg_temp.sound_all() returns bool language sql as $$ select bool_and(pg_temp.sound(code)) from lx.unit $$;

-- somebody with a standing is under way to district 2, and a standing of his is there already, under another id: no rule knows how
select is((select max(verdict) from pg_temp.roster('s1', 1, 'S1-1', 1, 1, pg_temp.id('one'), 0, 'One', 'T-1')), 1, 'somebody');
select is((select max(verdict) from pg_temp.roster('s1', 1, 'S1-1', 2, 2, pg_temp.id('home'), 0, p_member => pg_temp.id('one'), p_in => 'S1-1', p_role => 1, p_from => '2021-05-01T00:00:00Z')), 1, 'of S1-1');
select is((select verdict from lx.standing_put(1, '2021-07-01', array[pg_temp.id('st1')], array[pg_temp.u('S1-1')], array[pg_temp.id('one')], array[1], array[1], array[1], array[500]::int8[], array[7000]::int8[], array[1], array['\x01'::bytea], array['\x02'::bytea])), 1, 'with a standing');
create temp table obstacle as select * from lx.standing;
update obstacle set district = 2, stream = pg_temp.u('S3-2'), id = pg_temp.id('st2'), seq = 1;
select is((select max(verdict) from pg_temp.roster('d1', 2, 'S1-1', 1, 3, pg_temp.id('out'), 1, p_member => pg_temp.id('one'), p_in => 'D2', p_from => '2021-07-01T00:00:00Z')), 1, 'sent to district 2');
select ok(lx.transit_carry(), 'the news is carried');
insert into lx.standing select * from obstacle;

select throws_ok($$ select pg_temp.three(1, false) $$, '23505', null, 'the call fails as a whole');
select throws_ok($$ select pg_temp.three(1, false) $$, '23505', null, 'as often as it is made');
select is(pg_temp.three(1, true), array[1, 1, 16, 1], 'one by one: two people are new, the taking-in is refused');
select is((select array_agg(answer) from lx.op_run where device = pg_temp.dev(3)), array[lx.pb_refused(2, '\x0810')], 'with its reason, for good');
select is((select (k.taken_by, k.body is not null)::text from lx.transit_package k), '(,t)', 'he is still under way, whole');
select is((select count(*) from lx.person where district = 2), 2::int8, 'and nobody but those two has come');
select is(pg_temp.three(1, true), array[2], 'a lost answer: repeated');
delete from lx.standing where district = 2;
select ok(pg_temp.sound_all(), 'every head is right');
select is(pg_temp.three(4, false), array[1, 1, 1, 1], 'when that is out of the way he is taken in');

-- a place of the stream that is taken is nobody's fault: the group waits for those who mend it
update lx.head set head = head - 1 where district = 2 and stream = pg_temp.u('S3-1');
select throws_ok($$ select pg_temp.three(7, true) $$, '23505', null, 'a head that went back refuses nothing for good');
select finish();
rollback;
