-- Tombstones that are too old, and that nobody needs, go; whoever pulled before is told to start afresh, and nobody else.
begin;
\ir fixture.sql
select plan(21);
\set t1 'pg_temp.id(\'t1\')'
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 1, 1, :t1, 0, 'Zhang', 'T-1') where row_no = 1), 1, 'a person');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 2, 2, pg_temp.id('m1'), 0, p_member => :t1, p_in => 'S1-1', p_role => 1, p_from => '2021-05-01', p_until => '2021-07-01') where row_no = 1), 1, 'with a home');
select is((select stored from pg_temp.push('w11', 7, 'S1-1', 1, array[pg_temp.id('f1')], :t1)), 1, 'a fact on him');
create temp table old as select head as cursor from lx.head where stream = pg_temp.u('S1-1');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-2', 1, 2, pg_temp.id('m2'), 0, p_member => :t1, p_in => 'S1-2', p_role => 1, p_from => '2021-07-01', p_until => '2021-08-01') where row_no = 1), 1, 'he moves');
select is((select stored from pg_temp.push('w11', 7, 'S1-1', 2, array[pg_temp.id('o1'), pg_temp.id('o2')], pg_temp.id('somebody else'))), 2, 'facts on others');

select is(lx.prune(now() - interval '400 days'), 0::int8, 'nothing is old');
select is((select array_agg(kind order by seq) from pg_temp.pull('S1-1', (select cursor from old), p_began => 0)), array[7, 1, 1], 'the old replica gets the tombstone');
update lx.left_stream set left_at = now() - interval '401 days';
select is(lx.prune(now() - interval '400 days'), 0::int8, 'the tombstone is old, and stays: he is not there');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-2', 2, 2, pg_temp.id('m3'), 0, p_member => :t1, p_in => 'S1-1', p_role => 1, p_from => '2021-08-01') where row_no = 1), 1, 'he comes back');
select is(lx.prune(now() - interval '400 days'), 1::int8, 'now his rows are there, and say more');
select is(lx.prune(now() - interval '400 days'), 0::int8, 'and gone');
select is((select floor from lx.head where stream = pg_temp.u('S1-1')), (select cursor + 1 from old), 'its head remembers where it was');
select ok(pg_temp.sound('S1-1'), 'head, count and digest are as they were');
select is((select array_agg((kind, snapshot)::text order by seq) from pg_temp.pull('S1-1', (select cursor from old), p_began => 0)), array['(1,t)', '(1,t)', '(2,t)', '(3,t)', '(3,t)', '(1,t)', '(3,t)'], 'now the old replica gets all that is there, as a beginning');
select is((select array_agg((kind, snapshot)::text) from pg_temp.pull('S1-1', (select cursor from old), p_limit => 1, p_began => 0)), array['(1,t)'], 'in pages');
select is((select array_agg((kind, snapshot)::text order by seq) from pg_temp.pull('S1-1', 1, p_limit => 1, p_began => (select head from lx.head where stream = pg_temp.u('S1-1')))), array['(1,f)'], 'whose next one goes on');
select is((select array_agg((kind, snapshot)::text order by seq) from pg_temp.pull('S1-1', 0, p_began => 0)), array['(1,f)', '(1,f)', '(2,f)', '(3,f)', '(3,f)', '(1,f)', '(3,f)'], 'a new replica begins as ever');
select is((select array_agg((kind, snapshot)::text order by seq) from pg_temp.pull('S1-1', (select cursor + 1 from old), p_began => 0)), array['(1,f)', '(1,f)', '(2,f)', '(3,f)', '(3,f)', '(1,f)', '(3,f)'], 'one that has passed the tombstone goes on');
select is((select bool_or(snapshot) from pg_temp.pull('S1-1', (select head from lx.head where stream = pg_temp.u('S1-1')), p_began => 0)), false, 'one at the head has nothing to do');
select is((select array_agg((kind, snapshot)::text order by seq) from pg_temp.pull('S1-1', (select cursor from old))), array['(1,)', '(1,)', '(2,)', '(3,)', '(3,)', '(1,)', '(3,)'], 'a client that knows no snapshots goes on, and finds out by its digest');
select is((select array_agg(kind) from pg_temp.pull('S1-2')), array[7], 'where he was in between the tombstone stays');
select finish();
rollback;
