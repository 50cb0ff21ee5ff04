-- The assessor's functions, as its role; the operators' functions, as theirs.
begin;
\ir fixture.sql
select plan(70);
grant execute on all functions in schema pg_temp to lianxiao_assessor, lianxiao_ops, lianxiao_api;
delete from lx.todo;
select pg_temp.roster('s1', 1, 'S1', 1, 1, pg_temp.id('t1'), 0, 'Zhang', 'T-1') \g /dev/null
select pg_temp.roster('s1', 1, 'S1', 2, 2, pg_temp.id('m1'), 0, p_member => pg_temp.id('t1'), p_in => 'S1-1', p_role => 1, p_from => now()) \g /dev/null
create temp table ids as select code, pg_temp.u(code) as id from lx.unit;
grant select on ids to lianxiao_assessor, lianxiao_ops;

select is((select stored from pg_temp.push('w11', 2, 'S1-1', 1, array[pg_temp.id('f1'), pg_temp.id('f2')], pg_temp.id('t1'))), 2, 'facts to assess');
select is((select stored from pg_temp.push('s1', 2, 'S1', 1, array[pg_temp.id('f3')], pg_temp.u('S1'), p_needs => 8)), 1, 'one on the school');

set local role lianxiao_assessor;
select is((select (taken, now > transaction_timestamp(), day is null)::text from lx.district_take(1)), '(t,t,t)', 'takes the district');
select is((select taken from lx.district_take(77)), false, 'an unknown district is not there to take');
delete from lx.todo;
select is((select (streams, subjects, concerned)::text from lx.streams_advance(1, 100)), '(2,2,2)', 'reads the streams that are behind, finds two subjects');
select is((select (streams, subjects, concerned)::text from lx.streams_advance(1, 100)), '(0,0,0)', 'then nothing is new');
select is((select array_agg(level order by level) from lx.todo), array[3, 5], 'a school and a person');
select lx.todo_put(1, array[pg_temp.id('t1'), (select id from ids where code = 'S1-1')], array[5, 4], 1, 0) \g /dev/null
select lx.todo_put(1, array[pg_temp.id('t9')], array[5], 2, 0) \g /dev/null
select results_eq('select subject, level, entries, pass from lx.todo_take(1, 1, 2)', $$ values (pg_temp.id('t1'), 5, 1, 1::int8), ((select id from ids where code = 'S1'), 3, 1, 1) $$, 'who waits longest first, of one statement persons before units');
select results_eq('select level from lx.todo_take(1, 1, 100)', 'values (5), (4)', 'then who came later');
select is_empty('select * from lx.todo_take(1, 1, 100)', 'then the live lane is empty');
select results_eq('select subject from lx.todo_take(1, 2, 100)', $$ values (pg_temp.id('t9')) $$, 'the lane of rescores waits on its own');
select is_empty('select * from lx.todo_take(1, 2, 100)', 'then nothing');

select results_eq($$ select row_no, verdict from lx.standing_put(1, '2021-07-01', array[pg_temp.id('st1'), pg_temp.id('st2'), pg_temp.id('st3')],
  array[(select id from ids where code = 'S1-1'), (select id from ids where code = 'S1'), (select id from ids where code = 'S1-2')],
  array[pg_temp.id('t1'), (select id from ids where code = 'S1'), pg_temp.id('t1')], array[1, 1, 2], array[1, 3, 1], array[1, 1, 1], array[100, 200, 1]::int8[], array[7000, 10000, 1]::int8[],
  array[1, 1, 1], array['\x01', '\x02', '\x03']::bytea[], '{}') $$, 'values (1, 1), (2, 1), (3, 3)', 'standings: put, put, in another stream');
select results_eq($$ select row_no, verdict from lx.standing_put(1, '2021-07-02', array[pg_temp.id('st9'), pg_temp.id('st9b')],
  array[(select id from ids where code = 'S1-1'), (select id from ids where code = 'S1')],
  array[pg_temp.id('t1'), (select id from ids where code = 'S1')], array[1, 1], array[1, 3], array[2, 1], array[150, 200]::int8[], array[7000, 10000]::int8[],
  array[1, 1], array['\x01', '\x02']::bytea[], '{}') $$, 'values (1, 1), (2, 2)', 'changed and same');
select is((select (id, version, points, as_of)::text from lx.standing where role = 1), format('(%s,2,150,2021-07-02)', pg_temp.id('st1')), 'the record keeps its id and gets a new version');

select lx.rollup_apply(1, 1, array[(select id from ids where code = 'S1-1'), (select id from ids where code = 'S1'), (select id from ids where code = 'S1-1')], array[1, 1, 1], array['', '', ''],
  array[1, 1, 0, 0, 0, 100, 1, 0, 0, 0, 300, 0, 0, 1,  1, 1, 0, 0, 0, 100, 1, 0, 0, 0, 300, 0, 0, 1,  0, -1, 1, 0, 0, 50, 0, 1, 0, 0, 0, 0, 0, 0]::int8[]) \g /dev/null
select is((select (subjects, open, passed, points, started, done, online_hours, obliged)::text from lx.rollup where unit = (select id from ids where code = 'S1-1')), '(1,0,1,150,1,1,300,1)', 'differences add up');
select lx.rollup_apply(1, 1, array[(select id from ids where code = 'S1-1')], array[1], array[''], array[-1, 0, -1, 0, 0, -150, -1, -1, 0, 0, -300, 0, 0, -1]::int8[]) \g /dev/null
select is((select (subjects, open, passed, points, started, done, online_hours, obliged)::text from lx.rollup where unit = (select id from ids where code = 'S1-1')), '(0,0,0,0,0,0,0,0)', 'and can be taken back');

select lx.district_put(1, '2021-07-01T00:00:00Z', 1, 5, null), lx.district_put(1, null, 1, 4, 7) \g /dev/null
select is((select (complete_through, to_rescore)::text from lx.district_state where district = 1), '("2021-07-01 00:00:00+00",4)', 'the watermark');
select lx.district_put(1, '2020-07-01T00:00:00Z', 1, 5, null) \g /dev/null
select is((select complete_through from lx.district_state where district = 1), '2021-07-01T00:00:00Z', 'never goes back');
select is((select begun from lx.day_begin(1, '2021-07-02', false)), true, 'a day begins');
select is((select begun from lx.day_begin(1, '2021-07-02', false)), false, 'once');
select is((select count(*) from lx.rollup_day where day = '2021-07-02'), 2::int8, 'roll-ups are kept');
select is((select array_agg(level order by level) from lx.todo where district = 1 and lane = 2), array[2, 3, 3, 4, 4, 4, 4, 5], 'everybody is on todo on the first day');
delete from lx.todo;
select is((select begun from lx.day_begin(1, '2021-07-03', false)), true, 'the next day begins');
select is_empty('select * from lx.todo', 'and touches nobody without a date in it');
select is((select begun from lx.day_begin(1, '2021-07-04', true)), true, 'a day on which a stage ends');
select is((select count(*) from lx.todo), 8::int8, 'touches everybody');
select is((select subjects from lx.todo_subtree(1, (select id from ids where code = 'S1'), 2)), 4::int8, 'a school, its workshops and persons');
select throws_ok($$ update lx.fact set item = 'x' $$, '42501', null, 'the assessor changes no facts');
select throws_ok($$ select * from lx.account $$, '42501', null, 'and sees no logins');
reset role;
select ok(pg_temp.sound('S1') and pg_temp.sound('S1-1'), 'heads are right');
select is((select array_agg(kind order by seq) from pg_temp.pull('S1-1', 4)), array[6], 'the standing is a synced row');

-- passes: whose records are in the figures while others keep coming
delete from lx.todo;
create temp table seqs as select u.id as stream, h.head from lx.unit u join lx.head h on h.stream = u.id where u.code = 'S1-1';
create function pg_temp.covers(p_after int8) returns bool language sql as $$
  select lx.district_put(1, null, 1, 0, (select min(t.pass) from lx.todo t where t.district = 1 and t.lane = 1)); -- a round's end
  select lx.figures_cover(array[s.stream], array[s.head + p_after]) from seqs s;
$$;
select is((select stored from pg_temp.push('w11', 2, 'S1-1', 3, array[pg_temp.id('f11')], pg_temp.id('t1'))), 1, 'a record');
select is(pg_temp.covers(1), false, 'not read yet');
select lx.streams_advance(1, 100) \g /dev/null
select is(pg_temp.covers(1), false, 'read, and on todo');
select is((select stored from pg_temp.push('w11', 2, 'S1-1', 4, array[pg_temp.id('f12')], pg_temp.id('t2'))), 1, 'the next one, about somebody else');
select lx.streams_advance(1, 100) \g /dev/null
select is((select (subject, level, entries)::text from lx.todo_take(1, 1, 1)), format('(%s,5,1)', pg_temp.id('t1')), 'who waits longest is taken first');
select ok(pg_temp.covers(1) and not pg_temp.covers(2), 'the first is in the figures, though somebody waits; the second is not');
select lx.todo_put(1, array[pg_temp.u('S1-1')], array[4], 1, (select max(pass) - 1 from lx.district_state where district = 1)) \g /dev/null
select is(pg_temp.covers(1), false, 'not while a unit waits for its sake');
delete from lx.todo where level = 4;
select lx.roster_changed(1, '{}', array[pg_temp.id('t1')], '{}') \g /dev/null
select is(pg_temp.covers(1), false, 'nor while somebody waits who is of no pass');
delete from lx.todo where pass = 0;
select lx.streams_advance(1, 100), pg_temp.push('w11', 2, 'S1-1', 5 + g, array[pg_temp.id('g' || g)], pg_temp.id('t3')), lx.streams_advance(1, 100) from generate_series(0, 39) g \g /dev/null
select is((select array[cardinality(seqs), cardinality(passes)] from lx.stream_cursor c where c.stream = (select stream from seqs)), array[32, 32], 'so many passes are kept');
select is(pg_temp.covers(1), false, 'by the oldest of them the first record is asked for, when later ones wait');
delete from lx.todo;
select ok(pg_temp.covers(42), 'and all is covered in the end');

-- whose turn it is, when a stream brings a crowd
select results_eq($$ select lx.todo_turn(crowd) - lx.todo_turn(1) from unnest(array[1, 5, 6, 1000, null]::int8[]) crowd $$,
                  $$ values (interval '0'), ('0'), ('3 seconds'), ('3 seconds'), ('3 seconds') $$, 'a crowd comes behind the few, three seconds at most');
select pg_temp.push('w11', 2, 'S1-1', 45 + g, array[pg_temp.id('c' || g)], pg_temp.id('crowd' || g)) from generate_series(0, 9) g \g /dev/null
select is((select stored from pg_temp.push('s1', 2, 'S1', 2, array[pg_temp.id('q')], pg_temp.id('quiet'))), 1, 'one record where nobody else records');
select lx.streams_advance(1, 100) \g /dev/null
select results_eq('select subject from lx.todo_take(1, 1, 1)', $$ values (pg_temp.id('quiet')) $$, 'its subject has its turn before the crowd');
delete from lx.todo;
select lx.todo_put(1, array[pg_temp.u('S1-1')], array[4], 1, 0), lx.todo_put(1, array[pg_temp.id('t1')], array[5], 1, 0) \g /dev/null
select is((select max(since) filter (where level = 4) - max(since) filter (where level = 5) from lx.todo), interval '3 seconds', 'units come behind people');
delete from lx.todo;

-- operators
set local role lianxiao_ops;
select results_eq($$ select verdict from lx.unit_import('op', '{}', array['D1', 'S4'], array[3, 4], array['S4', 'S4-1'], array['School 4', 'W41'], '{}', '{}', '{}') $$, 'values (1), (1)', 'units: added, parents from the same file');
select results_eq($$ select verdict from lx.unit_import('op', '{}', array['D1', 'S4'], array[3, 4], array['S4', 'S4-1'], array['School 4', 'W 41'], '{}', '{}', '{}') $$, 'values (3), (2)', 'same and changed');
select results_eq($$ select verdict from lx.unit_import('op', '{}', array['D1', 'S9', 'D1'], array[3, 4, 4], array['S5', 'S9-1', 'S5-1'], array['School 5', 'W', 'W'], '{}', '{}', '{}') $$, 'values (0), (4), (5)', 'errors by row');
select is((select count(*) from lx.unit where code = 'S5'), 0::int8, 'and then nothing is stored');
select results_eq($$ select verdict from lx.unit_import('op', '{}', array['C', 'C'], array[2, 2], array['D8', 'D9'], array['D', 'D'], array[8, 8], '{}', '{}') $$, 'values (5), (5)', 'a district''s number is its own');
select is((select verdict from lx.programme_start('op', null, 1, 'other', 1, '\x01')), 3, 'a programme number is taken');
select is((select verdict from lx.scheme_load('op', 'hefei-2021', 1, '\x0802')), 3, 'a scheme version must rise');
select is((select verdict from lx.scheme_load('op', 'hefei-2021', 2, '\x0802')), 1, 'a new scheme');
select is((select verdict from lx.scheme_load('op', 'none', 3, '\x0802')), 2, 'of an unknown programme');
select is((select (verdict)::text from lx.ops_user_add('op', 'op.made', 'Sun', null, 'h', 5, 'C', null)), '1', 'an account by operators');
select is((select verdict from lx.ops_grant_add('op', 'op.made', 2, 'S1', null, null, null)), 4, 'a head of a school does not exist');
select is((select verdict from lx.ops_grant_add('op', 'op.made', 3, 'S1', null, null, null)), 1, 'a grant by operators');
select is((select array_agg(role order by role) from lx.ops_grant_list('op.made')), array[3, 5], 'listed');
select is((select array_agg(verdict) from lx.ops_grant_list('op.made') g, lx.ops_grant_revoke('op', g.grant_id, false)), array[1, 1], 'revoked');
select is((select verdict from lx.ops_user_reset('op', 'op.made', 'h2')), 1, 'reset');
select cmp_ok((select value from lx.ops_status() where name = 'live_rows'), '>', 0::int8, 'status in numbers');
select is((select count(*) from lx.ops_unit_sync()), 14::int8, 'sync state of every unit');
select is((select count(*) from lx.ops_district_state()), 3::int8, 'state of every district');
select throws_ok('select * from lx.person', '42501', null, 'operators see no persons');
select throws_ok('select * from lx.fact', '42501', null, 'nor facts');
reset role;
select ok(pg_temp.sound('C'), 'the city''s head is right');
select is((select array_agg(distinct kind) from pg_temp.pull('C')), array[4, 5], 'units and programmes are its rows');
select is_empty($$ select a.* from lx.audit a where a::text ~ 'Sun|School 4' $$, 'no names in the audit trail');
select finish();
rollback;
