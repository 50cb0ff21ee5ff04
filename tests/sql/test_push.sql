-- push(): every verdict, repeats, the slow path, import keys.
begin;
\ir fixture.sql
select plan(57);
\set subj 'pg_temp.id(\'teacher 1\')'
create function pg_temp.ids(p_name text, p_from int4, p_to int4) returns uuid[] language sql as
  $$ select array_agg(pg_temp.id('fact ' || p_name || ' ' || i) order by i) from generate_series(p_from, p_to) i $$;

select is((select (verdict, op_to, head, stored, flags, answer)::text from pg_temp.push('w11', 1, 'S1-1', 1, pg_temp.ids('a', 1, 3), :subj)), '(1,3,3,3,0,"\\x")', 'first group: done');
select is((select array_agg(seq order by seq) from lx.fact where stream = pg_temp.u('S1-1')), array[1, 2, 3]::int8[], 'seqs follow the head without a gap');
select is((select distinct actor from lx.fact), pg_temp.p('w11'), 'facts carry their sender');
select ok(pg_temp.sound('S1-1'), 'count and digest of the head are right');
select is((select (op_from, op_to, seq_from, stored, refused)::text from lx.op_run), '(1,3,1,3,0)', 'one op_run per group');
select is((select root from lx.op_run), (select sha256(hashes) from lx.op_run), 'its root is over the hashes');
select ok((select pushed_at is not null from lx.head where stream = pg_temp.u('S1-1')), 'the head knows when it was pushed to');

select is((select (verdict, op_to, head, stored)::text from pg_temp.push('w11', 1, 'S1-1', 1, pg_temp.ids('a', 1, 3), :subj)), '(2,3,3,0)', 'the same again: repeated');
select is((select (verdict, op_to)::text from pg_temp.push('w11', 1, 'S1-1', 2, pg_temp.ids('a', 2, 2), :subj)), '(2,3)', 'a part of it again: repeated');
select is((select (verdict, op_to)::text from pg_temp.push('w11', 1, 'S1-1', 2, pg_temp.ids('a', 2, 5), :subj)), '(3,3)', 'partly there: partial, says up to where');
select is((select (verdict, op_to)::text from pg_temp.push('w11', 1, 'S1-1', 5, pg_temp.ids('a', 5, 6), :subj)), '(4,3)', 'a gap: the last operation here');
select is((select count(*) from lx.fact), 3::int8, 'none of these stored anything');
select is((select (verdict, op_to, head, stored)::text from pg_temp.push('w11', 1, 'S1-1', 4, pg_temp.ids('a', 4, 5), :subj)), '(1,5,5,2)', 'the next ones: done');
select is((select (verdict, op_to)::text from pg_temp.push('w11', 1, 'S1-1', 2, pg_temp.ids('a', 2, 5), :subj)), '(2,5)', 'a repeat over two runs');
select is((select (verdict, op_to)::text from pg_temp.push('s1', 2, 'S1-1', 1, pg_temp.ids('b', 1, 1), :subj, p_needs => 1)), '(1,1)', 'another device counts for itself');

select is((select verdict from pg_temp.push('w11', 3, 'S1-1', 1, pg_temp.ids('c', 1, 2), :subj, p_roster => 99)), 5, 'other roster version: stale');
select is((select verdict from pg_temp.push('w12', 3, 'S1-1', 1, pg_temp.ids('c', 1, 2), :subj)), 6, 'a sibling workshop: out of scope');
select is((select verdict from pg_temp.push('s2', 3, 'S1-1', 1, pg_temp.ids('c', 1, 2), :subj)), 6, 'another school: out of scope');
select is((select verdict from pg_temp.push('s3', 3, 'S1-1', 1, pg_temp.ids('c', 1, 2), :subj)), 6, 'another district: out of scope');
select is((select verdict from pg_temp.push('w11', 3, 'S1', 1, pg_temp.ids('c', 1, 2), :subj)), 6, 'the school above: out of scope');
select is((select verdict from pg_temp.push('nobody', 3, 'S1-1', 1, pg_temp.ids('c', 1, 2), :subj)), 6, 'no grant: out of scope');
select is((select verdict from pg_temp.push('expert', 3, 'S1-1', 1, pg_temp.ids('c', 1, 2), :subj)), 6, 'a grant without the capability: out of scope');
select is((select verdict from pg_temp.push('w11', 3, 'S1-1', 1, pg_temp.ids('c', 1, 2), :subj, p_needs => 8)), 6, 'a capability missing: out of scope');
select is((select verdict from pg_temp.push('w11', 3, 'S1-1', 1, pg_temp.ids('c', 1, 2), :subj, p_target => 'S1-2')), 6, 'a target out of scope, nobody left: out of scope');
select is((select verdict from pg_temp.push('s1', 3, 'S1-1', 1, pg_temp.ids('c', 1, 2), :subj, p_target => 'S1-2', p_needs => 8)), 1, 'a target in scope: done');
select is((select count(*) from lx.fact where stream = pg_temp.u('S1-2')), 2::int8, 'facts lie in the target stream');
select ok(pg_temp.sound('S1-2') and pg_temp.sound('S1-1'), 'both heads are right');
select is((select count(*) from lx.op_run where stream = pg_temp.u('S1-2')), 0::int8, 'the operations belong to the stream they were written for');
select is((select verdict from lx.push(array[pg_temp.dev(3)], array[pg_temp.p('w11')], array[1], array[pg_temp.id('no stream')], array[1]::int8[], array[substring(sha256('') for 16)], array[0]::int8[], array[0], array[''::bytea],
    array[1], array[pg_temp.id('no stream')], array[1], array[1]::int8[], array[0], array[0]::int8[], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', now(), false, '')),
  6, 'an unknown stream gets the same answer as a forbidden one');

-- many groups in one pile
select results_eq($$
  select verdict, op_to, head, stored from lx.push(
    array[pg_temp.dev(4), pg_temp.dev(5), pg_temp.dev(6)], array[pg_temp.p('w11'), pg_temp.p('w12'), pg_temp.p('s1')], array[1, 1, 1],
    array[pg_temp.u('S1-1'), pg_temp.u('S1-1'), pg_temp.u('S1-1')], array[1, 1, 1]::int8[], array[substring(sha256('1') for 16), substring(sha256('2') for 16), substring(sha256('3') for 16)],
    array[0, 0, 0]::int8[], array[0, 0, 0], array['', '', '']::bytea[], array[1, 2, 3], array[pg_temp.u('S1-1'), pg_temp.u('S1-1'), pg_temp.u('S1-1')], array[2, 2, 8],
    array[1, 1, 1]::int8[], array[1, 1, 1], array[lx.row_digest(pg_temp.id('m1'), 1), lx.row_digest(pg_temp.id('m2'), 1), lx.row_digest(pg_temp.id('m3'), 1)],
    array[1, 2, 3], array[1, 1, 1], array[pg_temp.id('m1'), pg_temp.id('m2'), pg_temp.id('m3')], array[1, 1, 1], array[1, 1, 1],
    array[pg_temp.id('s'), pg_temp.id('s'), pg_temp.id('s')], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', array[3], array['\x0a0161'::bytea], now(), false, '') $$,
  $$ values (1, 1::int8, 8::int8, 1), (6, null, null, 0), (1, 1, 8, 1) $$, 'one bad group in a pile harms no other');
select ok(pg_temp.sound('S1-1'), 'and leaves no hole');
select is((select body from lx.submission where fact = pg_temp.id('m3')), '\x0a0161'::bytea, 'a submission lies beside its fact');
select throws_ok($$ select pg_temp.push('w11', 1, 'S1-1', 6, array[pg_temp.id('m1'), pg_temp.id('n1')], pg_temp.id('s')) $$, '23505', null, 'a record id twice fails the fast path');

-- two groups whose facts go to one stream, and one that is refused; heads are told as they are afterwards (the look at lx.head beside it sees them as they were)
select results_eq($$
  select r.verdict, r.stored, r.head - h.head from lx.push(
    array[pg_temp.dev(4), pg_temp.dev(4), pg_temp.dev(9)], array[pg_temp.p('s1'), pg_temp.p('s1'), pg_temp.p('w12')], array[1, 1, 1],
    array[pg_temp.u('S1-1'), pg_temp.u('S1-2'), pg_temp.u('S1-1')], array[2, 1, 1]::int8[], array[substring(sha256('4') for 16), substring(sha256('5') for 16), substring(sha256('6') for 16)],
    array[0, 0, 0]::int8[], array[0, 0, 0], array['', '', '']::bytea[], array[1, 1, 2, 3], array[pg_temp.u('S1-1'), pg_temp.u('S1-2'), pg_temp.u('S1-2'), pg_temp.u('S1-1')], array[1, 8, 8, 2],
    array[1, 1, 1, 1]::int8[], array[0, 1, 1, 1], array[0, lx.row_digest(pg_temp.id('t1'), 1), lx.row_digest(pg_temp.id('t2'), 1), lx.row_digest(pg_temp.id('t3'), 1)],
    array[2, 3, 4], array[1, 1, 1], array[pg_temp.id('t1'), pg_temp.id('t2'), pg_temp.id('t3')], array[1, 1, 1], array[1, 1, 1],
    array[pg_temp.id('s'), pg_temp.id('s'), pg_temp.id('s')], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', now(), false, '') r
  join unnest(array[pg_temp.u('S1-1'), pg_temp.u('S1-2'), pg_temp.u('S1-1')]) with ordinality g (stream, no) on g.no = r.group_no join lx.head h on h.district = 1 and h.stream = g.stream
  order by r.group_no $$,
  $$ values (1, 1, 0::int8), (1, 1, 2), (6, 0, null) $$, 'groups of a pile that write to one stream follow each other');
select is((select seq_from from lx.op_run where device = pg_temp.dev(4) and stream = pg_temp.u('S1-2')), (select head from lx.head where stream = pg_temp.u('S1-2')),
          'and each run begins where its own facts do');
select ok(pg_temp.sound('S1-1') and pg_temp.sound('S1-2'), 'and both heads are right');
select throws_ok($$ select lx.push(array[pg_temp.dev(4)], array[pg_temp.p('s1')], array[1], array[pg_temp.u('S1-1')], array[3]::int8[], array[substring(sha256('7') for 16)], array[0]::int8[], array[0],
  array[''::bytea], array[1], array[pg_temp.u('S1-2')], array[1], array[1]::int8[], array[0], array[0]::int8[], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
  now(), false, '') $$, '22000', null, 'a group has a target of its own stream');
select is((select verdict from lx.push(array[pg_temp.dev(4)], array[pg_temp.p('s1')], array[1], array[pg_temp.u('S1-1')], array[3]::int8[], array[substring(sha256('7') for 16)], array[0]::int8[], array[0],
  array[''::bytea], array[1, 1], array[pg_temp.u('S1-1'), pg_temp.u('S1-2')], array[1, 1], array[1, 99]::int8[], array[0, 0], array[0, 0]::int8[], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
  '{}', '{}', '{}', '{}', '{}', now(), false, '')), 5, 'other roster version of one target: stale');

-- slow path
select is((select (verdict, head, stored, answer)::text from pg_temp.push('w11', 1, 'S1-1', 6, pg_temp.ids('a', 1, 1) || pg_temp.id('n1'), :subj, p_slow => true)), '(1,9,1,"\\x")', 'slow: same id and content counts as stored');
select is((select (verdict, stored, answer)::text from pg_temp.push('w11', 1, 'S1-1', 8, pg_temp.ids('a', 1, 1) || pg_temp.id('n2'), :subj, p_slow => true, p_item => 'y')),
          '(1,1,"\\x2a06080812020807")', 'slow: other content is refused by name of operation, the rest is stored');
select is((select refused from lx.op_run where op_from = 8), 1, 'the refusal is counted');
select is((select (verdict, answer)::text from pg_temp.push('w11', 1, 'S1-1', 8, pg_temp.ids('a', 1, 1) || pg_temp.id('n2'), :subj, p_item => 'y')), '(2,"\\x2a06080812020807")', 'a repeat gets the stored answer');
select ok(pg_temp.sound('S1-1'), 'count and digest after the slow path');

-- import keys
select is((select (verdict, stored)::text from pg_temp.push('s1', 7, 'S1-1', 1, pg_temp.ids('k', 1, 2), :subj, p_needs => 8, p_keys => array[sha256('1'), sha256('2')])), '(1,2)', 'imported facts');
select is((select array_agg(distinct school) from lx.import_key), array[pg_temp.u('S1')], 'keys are the school''s');
select throws_ok($$ select pg_temp.push('s1', 8, 'S1-2', 1, array[pg_temp.id('k1 again')], pg_temp.id('teacher 1'), p_needs => 8, p_keys => array[sha256('1')]) $$, '23505', null, 'the same key on another device fails the fast path');
select is((select (verdict, stored, answer)::text from pg_temp.push('s1', 8, 'S1-1', 1, array[pg_temp.id('k1 again')], :subj, p_needs => 8, p_slow => true, p_keys => array[sha256('1')])), '(1,0,"\\x")', 'same key, same content: one result');
select is((select (verdict, stored)::text from pg_temp.push('s1', 8, 'S1-1', 2, array[pg_temp.id('k1 other')], :subj, p_needs => 8, p_slow => true, p_keys => array[sha256('1')], p_quantity => 200)), '(1,1)', 'same key, other content: stored');
select is((select (kind, form, subject, actor)::text from lx.fact where of_id = pg_temp.id('fact k 1')), format('(14,superseded,%s,%s)', :subj, pg_temp.p('s1')), 'the old one is voided, visibly');
select is((select fact from lx.import_key where source_key = sha256('1')), pg_temp.id('k1 other'), 'the key points to the new fact');
select is((select (verdict, stored)::text from pg_temp.push('s1', 8, 'S1-1', 3, array[pg_temp.id('k1 third')], :subj, p_needs => 8, p_slow => true, p_keys => array[sha256('1')], p_quantity => 200)), '(1,0)', 'and the new content again is one result');
select is((select (verdict, stored)::text from pg_temp.push('s2', 9, 'S2-1', 1, array[pg_temp.id('k1 school 2')], :subj, p_needs => 8, p_keys => array[sha256('1')])), '(1,1)', 'another school has its own keys');
select ok(pg_temp.sound('S1-1') and pg_temp.sound('S1-2') and pg_temp.sound('S2-1'), 'all heads are right');

-- as the workers' role, which has no rights of its own on the tables
select set_config('lianxiao.districts', '{1}', true) \g /dev/null
grant execute on function lx.row_digest to lianxiao_api; -- the test's own need: C computes digests
set local role lianxiao_api;
select is((select verdict from pg_temp.push('w12', 9, 'S1-2', 1, array[pg_temp.id('api')], pg_temp.id('teacher 2'))), 1, 'workers push through the function');
select throws_ok('select lx.push_void(null, null, null)', '42501', null, 'and cannot call its parts');
reset role;

-- clones
select is((select (verdict, op_to)::text from pg_temp.push('w11', 1, 'S1-1', 9, array[pg_temp.id('other')], :subj)), '(7,)', 'other hash under the same key: cloned');
select is((select verdict from pg_temp.push('w11', 1, 'S1-1', 10, array[pg_temp.id('n9')], :subj)), 8, 'the device is frozen');
select finish();
rollback;
