-- Schools that move to another district, workshops that move to another school: what leaves, what arrives, who may still write, what the chain is told.
begin;
\ir fixture.sql
select plan(68);
insert into lx.account (person, account, name, password_hash) values (pg_temp.p('d2'), 'acc.d2', 'Name of d2', 'hash');
insert into lx.role_grant (id, person, unit, role, from_at) values (pg_temp.id('grant d2'), pg_temp.p('d2'), pg_temp.u('D2'), 4, now() - interval '100 days');
\set t1 'pg_temp.id(\'t1\')'
\set t2 'pg_temp.id(\'t2\')'
\set mv 'pg_temp.id(\'move\')'
\set may '\'2021-05-01T00:00:00Z\''
create function pg_temp.sound_all() returns bool language sql as $$ select bool_and(pg_temp.sound(code)) from lx.unit $$;
create function pg_temp.mask(p_account text, p_unit text) returns int4 language sql as $$ select lx.mask_over(pg_temp.p(p_account), pg_temp.u(p_unit)) $$;

-- S1 has a teacher with facts in S1-1, who is guest in S2-1; a teacher of S2-1 is guest in S1-1
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 1, 1, :t1, 0, 'Zhang', 'T-1') where row_no = 1), 1, 'a teacher');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 2, 2, pg_temp.id('m1'), 0, p_member => :t1, p_in => 'S1-1', p_role => 1, p_from => :may) where row_no = 1), 1, 'of S1-1');
select is((select verdict from pg_temp.roster('d1', 2, 'S2-1', 1, 2, pg_temp.id('m2'), 0, p_member => :t1, p_in => 'S2-1', p_role => 1, p_from => :may, p_guest => true) where row_no = 1), 1, 'guest in S2-1');
select is((select verdict from pg_temp.roster('s2', 3, 'S2-1', 1, 1, :t2, 0, 'Li', 'T-2') where row_no = 1), 1, 'another teacher');
select is((select verdict from pg_temp.roster('s2', 3, 'S2-1', 2, 2, pg_temp.id('m3'), 0, p_member => :t2, p_in => 'S2-1', p_role => 1, p_from => :may) where row_no = 1), 1, 'of S2-1');
select is((select verdict from pg_temp.roster('d1', 2, 'S1-1', 1, 2, pg_temp.id('m4'), 0, p_member => :t2, p_in => 'S1-1', p_role => 1, p_from => :may, p_guest => true) where row_no = 1), 1, 'guest in S1-1');
select is((select stored from pg_temp.push('w11', 7, 'S1-1', 1, array[pg_temp.id('f1'), pg_temp.id('f2')], :t1, p_keys => array[sha256('k1'), null])), 2, 'two facts');
select is((select stored from pg_temp.push('s1', 1, 'S1', 1, array[pg_temp.id('f3')], pg_temp.u('S1'), p_kind => 11)), 1, 'one about the school');
insert into lx.submission (district, stream, fact, sha256, body) values (1, pg_temp.u('S1-1'), pg_temp.id('f2'), sha256('\x0102'), '\x0102');
select is((select verdict from lx.standing_put(1, '2021-07-01', array[pg_temp.id('st1')], array[pg_temp.u('S1-1')], array[:t1], array[1], array[1], array[1], array[500]::int8[], array[7000]::int8[], array[1], array['\x01'::bytea], array['\x02'::bytea])), 1, 'a standing');
create temp table fact_before as select id, stream, seq, subject, kind, item, occurred_at, quantity, received_at, actor, source_key from lx.fact;
create temp table version_before as select lx.scope_version(pg_temp.p('d1')) as v;

-- what is refused
select is((select verdict from lx.unit_move('op', :mv, 'nothing', 'D2')), 3, 'an unknown unit');
select is((select verdict from lx.unit_move('op', :mv, 'S1', 'nothing')), 4, 'an unknown parent');
select is((select verdict from lx.unit_move('op', :mv, 'S1', 'S2')), 4, 'a school is under a district');
select is((select verdict from lx.unit_move('op', :mv, 'D1', 'C')), 4, 'districts do not move');
select is((select verdict from lx.unit_move('op', :mv, 'S1', 'D1')), 6, 'it is there already');
select is((select verdict from lx.unit_move_in('op', :mv, false)), 3, 'nothing is under way');
select ok(pg_temp.sound_all(), 'and nothing has changed');

-- out
select is((select (verdict, move)::text from lx.unit_move('op', :mv, 'S1', 'D2')), format('(2,%s)', :mv), 'S1 leaves for district 2');
select is((select count(*) from lx.fact where stream in (select id from lx.unit where code like 'S1%')) + (select count(*) from lx.person where id = :t1)
          + (select count(*) from lx.standing) + (select count(*) from lx.submission) + (select count(*) from lx.import_key), 0::int8, 'its rows have left the ledger');
select is((select count(*) from lx.op_run where district = 1 and stream = pg_temp.u('S1-1')), 5::int8, 'its runs stay, with the one that says so');
select is((select octet_length(changes) / 40 from lx.op_run where device = decode(repeat('00', 32), 'hex') and stream = pg_temp.u('S1-1')), 5, 'person, two memberships and two facts have left');
select ok(pg_temp.sound_all(), 'every head is right');
select is((select array_agg(code order by code) from lx.unit where moving_to = pg_temp.u('D2')), array['S1', 'S1-1', 'S1-2'], 'everybody sees where it is going');
select is((select (unit_code, from_code, to_code, people, arrived)::text from lx.unit_moves()), '(S1,D1,D2,1,f)', 'operators, too');
select is((select kind from pg_temp.pull('S1-1')), -1, 'its streams are not read meanwhile');
select is((select verdict from pg_temp.push('w11', 7, 'S1-1', 3, array[pg_temp.id('f4')], :t1)), 9, 'nor written');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 3, 1, :t1, 1, 'Zhang San') where row_no = 0), 9, 'nor their roster');
select is((select (until_at is not null, version)::text from lx.membership where id = pg_temp.id('m4')), '(t,2)', 'the guest from S2 has ended');
select is((select (verdict, move)::text from lx.unit_move('op', pg_temp.id('again'), 'S1', 'D2')), format('(2,%s)', :mv), 'the same again: that move');
select is((select verdict from lx.unit_move('op', pg_temp.id('again'), 'S1', 'D1')), 5, 'it cannot go elsewhere');
select is((select verdict from lx.unit_move('op', pg_temp.id('again'), 'S1-1', 'S3')), 5, 'nor a part of it');
select is((select verdict from lx.unit_move_end(:mv)), 2, 'nor be forgotten');
select is((select count(*) from lx.standing_put(1, '2021-07-01', array[pg_temp.id('st2')], array[pg_temp.u('S1')], array[pg_temp.u('S1')], array[1], array[3], array[1], array[0]::int8[], array[0]::int8[], array[1], array['\x01'::bytea], array['\x02'::bytea]) where verdict = 3), 1::int8, 'the old assessor gives it no standing');
select is((select verdict from lx.unit_move_in('op', :mv, false)), 2, 'it waits until the old district''s figures have given it back');
select is((select array_agg(contribution) from lx.gone_take(1, 1)), array['\x02'::bytea], 'they do');

-- somebody there has its teacher's number
insert into lx.person (district, stream, seq, id, name, teacher_no) values (2, pg_temp.u('S3'), 1, pg_temp.id('t9'), 'Wang', 'T-1');
select is((select (verdict, what, id)::text from lx.unit_move_in('op', :mv, false)), format('(4,teacher_no,%s)', :t1), 'a number that is taken keeps it out, by name');
delete from lx.person where id = pg_temp.id('t9');

-- in
select is((select verdict from lx.unit_move_in('op', :mv, false)), 1, 'it arrives');
select is((select verdict from lx.unit_move_in('op', :mv, false)), 1, 'again: nothing');
select is((select verdict from lx.unit_move_in('op', :mv, true)), 5, 'and it cannot be taken back any more');
select ok(pg_temp.sound_all(), 'every head is right, whichever district');
select is((select array_agg((code, district)::text order by code) from lx.unit where code like 'S1%'), array['(S1,2)', '(S1-1,2)', '(S1-2,2)'], 'the units lie in district 2');
select is((select path from lx.unit where code = 'S1-1'), array[pg_temp.u('C'), pg_temp.u('D2'), pg_temp.u('S1'), pg_temp.u('S1-1')], 'under it');
select is_empty($$ select * from fact_before except select id, stream, seq, subject, kind, item, occurred_at, quantity, received_at, actor, source_key from lx.fact where district = 2 $$, 'facts are what they were, where they were');
select is((select count(*) from lx.submission where district = 2) + (select count(*) from lx.import_key where district = 2 and school = pg_temp.u('S1')), 2::int8, 'with submissions and source keys');
select is((select (contribution is null, version)::text from lx.standing where district = 2), '(t,1)', 'the standing is there and not yet counted');
select is((select count(*) from lx.op_run where district = 2 and stream = pg_temp.u('S1-1')), 6::int8, 'copies of the runs, and the one of the arrival');
select is((select count(*) from lx.op_run where district = 2 and (contents is null or octet_length(contents) > 0)), 0::int8, 'copies claim no facts');
select is((select bool_and(h.runs = (select count(*) from lx.op_run o where o.district = h.district and o.stream = h.stream)) from lx.head h), true, 'and all are counted for the sealer');
select is((select count(distinct subject) from lx.todo where district = 2 and subject in (:t1, pg_temp.u('S1'), pg_temp.u('S1-1'))), 3::int8, 'they are on todo there');

-- who may what now
select is(array[pg_temp.mask('d1', 'S1-1') <> 0, pg_temp.mask('d2', 'S1-1') <> 0, pg_temp.mask('s1', 'S1-1') <> 0], array[false, true, true], 'the old district has lost it, the new one has it, the school keeps it');
select ok(lx.scope_version(pg_temp.p('d1')) > (select v from version_before), 'sessions read their scope again');
select is((select count(*) from lx.scope_of(pg_temp.p('d1')) where row_kind = 3 and unit = pg_temp.u('S1')), 1::int8, 'the old district''s officer is told of what ended');
-- Outboxes: the same keys go on; the old district's officer in good faith.
select is((select (verdict, op_to)::text from pg_temp.push('w11', 7, 'S1-1', 1, array[pg_temp.id('f1'), pg_temp.id('f2')], :t1)), '(2,2)', 'a lost answer: repeated');
select is((select (verdict, stored)::text from pg_temp.push('w11', 7, 'S1-1', 3, array[pg_temp.id('f4')], :t1)), '(1,1)', 'a full outbox goes on where it was');
select is((select (verdict, flags)::text from pg_temp.push('d1', 2, 'S1-1', 2, array[pg_temp.id('f5')], :t1, p_needs => 64, p_scope => lx.unix_ms(now() - interval '1 day'))), '(1,1)', 'what the old officer wrote before counts, flagged');
select is((select verdict from pg_temp.push('d1', 2, 'S1-1', 3, array[pg_temp.id('f6')], :t1, p_needs => 64)), 6, 'what he writes after does not');
select is((select verdict from lx.unit_move_end(:mv)), 1, 'the old district forgets the package');
select is((select count(*) from lx.unit_package) + (select count(*) from lx.unit_moves()), 0::int8, 'nothing is under way');

select results_eq($$ select verdict from lx.unit_import('op', '{}', array['D1', 'S1'], array[3, 4], array['S1', 'S1-1'], array['School 1', 'W11'], '{}', '{}', '{}') $$, 'values (6), (0)', 'a file that says the old parent moves nothing');

-- and back, with what came since
select is((select verdict from lx.unit_move('op', pg_temp.id('back'), 'S1', 'D1')) + (select verdict from lx.unit_move_in('op', pg_temp.id('back'), false)), 3, 'back to district 1');
select ok(pg_temp.sound_all() and (select count(*) = 5 from lx.fact where district = 1) and (select count(*) = 0 from lx.fact where district = 2)
          and (select bool_and(h.runs = (select count(*) from lx.op_run o where o.district = h.district and o.stream = h.stream)) from lx.head h), 'whole');

-- a workshop to another school of the district: at once
select is((select verdict from lx.unit_move('op', pg_temp.id('w'), 'S1-1', 'S2')), 1, 'S1-1 goes to S2');
select is(array[pg_temp.mask('s1', 'S1-1') <> 0, pg_temp.mask('s2', 'S1-1') <> 0, pg_temp.mask('w11', 'S1-1') <> 0]::text || (select school = pg_temp.u('S2') from lx.import_key where source_key = sha256('k1'))
          || pg_temp.sound_all(), '{f,t,t}truetrue', 'the new school has it, source keys followed, heads are right');

-- nothing is pulled away from under what is on its way to it
select is((select verdict from lx.unit_move('op', pg_temp.id('x'), 'S2-1', 'S3')), 2, 'S2-1 leaves for S3, in district 2');
select is((select verdict from lx.unit_move('op', pg_temp.id('y'), 'S3', 'D1')), 5, 'S3 waits for it');
select is((select verdict from lx.unit_close('op', 'S3')), 5, 'nor does it end');
select is((select verdict from lx.unit_merge('op', pg_temp.id('z'), 'S2', 'S1')), 5, 'nor the school that it would come back to');
select is((select count(*) from lx.gone_take(1, 1)) * 0 + (select verdict from lx.unit_move_in('op', pg_temp.id('x'), false)) + (select verdict from lx.unit_move_end(pg_temp.id('x'))), 2::int8, 'it arrives');
select is((select verdict from lx.unit_move('op', pg_temp.id('y'), 'S3', 'D1')), 2, 'then S3 may go, and S2-1 with it');
select * from finish();
rollback;
