-- Schools that go into others, and units that are closed: who belongs where afterwards, what stays, what is refused.
begin;
\ir fixture.sql
select plan(30);
\set t1 'pg_temp.id(\'t1\')'
\set t2 'pg_temp.id(\'t2\')'
\set t3 'pg_temp.id(\'t3\')'
\set may '\'2021-05-01T00:00:00Z\''
create function pg_temp.sound_all() returns bool language sql as $$ select bool_and(pg_temp.sound(code)) from lx.unit $$;
create function pg_temp.merge(p_unit text, p_into text) returns int4 language sql as $$ select verdict from lx.unit_merge('op', pg_temp.id('merge'), p_unit, p_into) $$;

-- S1: t1 at the school itself, t2 in S1-1; t3 of S2-1 is guest at S1 and holds an office there
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 1, 1, :t1, 0, 'Zhang', 'T-1') where row_no = 1), 1, 'somebody');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 2, 2, pg_temp.id('m1'), 0, p_member => :t1, p_in => 'S1', p_role => 1, p_from => :may) where row_no = 1), 1, 'of S1 itself');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 1, 1, :t2, 0, 'Li', 'T-2') where row_no = 1), 1, 'somebody else');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 2, 2, pg_temp.id('m2'), 0, p_member => :t2, p_in => 'S1-1', p_role => 1, p_from => :may) where row_no = 1), 1, 'of S1-1');
select is((select verdict from pg_temp.roster('s2', 3, 'S2-1', 1, 1, :t3, 0, 'Wu', 'T-3') where row_no = 1), 1, 'a third');
select is((select verdict from pg_temp.roster('s2', 3, 'S2-1', 2, 2, pg_temp.id('m3'), 0, p_member => :t3, p_in => 'S2-1', p_role => 1, p_from => :may) where row_no = 1), 1, 'of S2-1');
select is((select verdict from pg_temp.roster('d1', 2, 'S1', 1, 2, pg_temp.id('m4'), 0, p_member => :t3, p_in => 'S1', p_role => 3, p_from => :may) where row_no = 1), 1, 'with an office at S1');
select is((select stored from pg_temp.push('s1', 1, 'S1', 3, array[pg_temp.id('f1')], :t1, p_keys => array[sha256('k1')])), 1, 'a fact');
select is((select stored from pg_temp.push('s1', 1, 'S1', 4, array[pg_temp.id('f2')], pg_temp.u('S1'), p_kind => 11)), 1, 'one about the school');
select is((select verdict from lx.standing_put(1, '2021-07-01', array[pg_temp.id('st')], array[pg_temp.u('S1')], array[pg_temp.u('S1')], array[1], array[3], array[1], array[5]::int8[], array[70]::int8[], array[1], array['\x01'::bytea], array['\x02'::bytea])), 1, 'the school''s standing');

-- what is refused
select is(array[pg_temp.merge('no', 'S2'), pg_temp.merge('S1', 'no'), pg_temp.merge('S1', 'S1'), pg_temp.merge('S1', 'S3'), pg_temp.merge('S1', 'S1-1'), pg_temp.merge('D1', 'D2')],
          array[3, 4, 4, 4, 4, 4], 'only units of one level and one district');
select is((select array_agg((select verdict from lx.unit_close('op', c))) from unnest(array['no', 'D1', 'S1', 'S1-1']) c), array[3, 4, 7, 7], 'nothing is closed where somebody belongs');
select ok(pg_temp.sound_all(), 'nothing has changed');

-- S1 into S2
select is(pg_temp.merge('S1', 'S2'), 1, 'S1 goes into S2');
select ok(pg_temp.sound_all(), 'every head is right');
select is((select array_agg((code, parent = pg_temp.u('S2'))::text order by code) from lx.unit where code in ('S1-1', 'S1-2')), array['(S1-1,t)', '(S1-2,t)'], 'the workshops are S2''s');
select is((select (stream = pg_temp.u('S2'))::text from lx.person where id = :t1), 'true', 'who was of S1 itself lives in S2');
select is((select array_agg(stream = pg_temp.u('S2')) from lx.fact where subject = :t1), array[true], 'with his facts');
select is((select stream = pg_temp.u('S1') from lx.fact where id = pg_temp.id('f2')), true, 'what is about S1 stays there');
select is((select array_agg((u.code, m.until_at is null, m.guest)::text order by m.from_at, u.code) from lx.membership m join lx.unit u on u.id = m.unit where m.person = :t1), array['(S1,f,f)', '(S2,t,f)'], 'dated: he was at S1, he is at S2');
select is((select min(b.from_at) = max(a.until_at) from lx.membership a, lx.membership b where a.id = pg_temp.id('m1') and b.person = :t1 and b.id <> a.id), true, 'without a gap');
select is((select (until_at is not null, version)::text from lx.membership where id = pg_temp.id('m4')), '(t,2)', 'the office has ended');
select is((select count(*) from lx.membership where person = :t3), 2::int8, 'and nobody got one at S2 by it');
select is((select school = pg_temp.u('S2') from lx.import_key), true, 'source keys followed');
select is((select octet_length(changes) / 40 from lx.op_run where device = decode(repeat('00', 32), 'hex') and stream = pg_temp.u('S1')), 3, 'the chain is told of each membership');
select is((select array_agg(contribution) from lx.gone_take(1, 1)), array['\x02'::bytea], 'S1 counts no more');
select ok((select closed_at is not null from lx.unit where code = 'S1') and (select count(*) = 1 from lx.standing where subject = pg_temp.u('S1')), 'it is closed and readable');
select is((select verdict from pg_temp.roster('d1', 2, 'S1', 2, 2, pg_temp.id('m9'), 0, p_member => :t3, p_in => 'S1', p_role => 1, p_from => now(), p_guest => true) where row_no = 1), 15, 'nobody joins it');
select is(array[pg_temp.merge('S1', 'S2'), pg_temp.merge('S2', 'S1'), (select verdict from lx.unit_move('op', pg_temp.id('x'), 'S2-1', 'S1')), (select verdict from lx.unit_close('op', 'S1')),
                (select max(verdict) from lx.unit_import('op', '{}', array['S1'], array[4], array['S1-9'], array['W'], '{}', '{}', '{}'))], array[6, 4, 4, 6, 5], 'and nothing else goes there');

-- what the school had written before it heard of it follows its people
select is((select (verdict, stored)::text from pg_temp.push('s1', 1, 'S1', 5, array[pg_temp.id('f3')], :t1, p_target => 'S2')), '(1,1)', 'an outbox of S1 goes on');
select * from finish();
rollback;
