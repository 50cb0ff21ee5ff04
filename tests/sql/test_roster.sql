-- push_roster(): rows against the versions seen, homes and moves, good faith, replicas equal.
begin;
\ir fixture.sql
select plan(69);
\set t1 'pg_temp.id(\'t1\')'
\set m1 'pg_temp.id(\'m1\')'
\set may '\'2021-05-01T00:00:00Z\''
\set july '\'2021-07-01T00:00:00Z\''

-- persons
select results_eq($$ select row_no, verdict, version from pg_temp.roster('s1', 1, 'S1', 1, 1, pg_temp.id('t1'), 0, 'Zhang', 'T-1') $$, $$ values (0, 1, null::int8), (1, 1, 1::int8) $$, 'a new person: done, version 1');
select is((select stream from lx.person where id = :t1), pg_temp.u('S1'), 'without a home he is in the group''s stream');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 2, 1, :t1, 0, 'Li', 'T-1') where row_no = 1), 2, 'new again with other content: conflict');
select is((select substring(answer from 1 for 1) from lx.op_run where op_from = 2), '\x2a'::bytea, 'the refusal is stored');
select ok((select position('version'::bytea in answer) > 0 and position('\x120131'::bytea in answer) > 0 from lx.op_run where op_from = 2), 'and names the current version');
select is((select (verdict, version)::text from pg_temp.roster('s1', 1, 'S1', 3, 1, :t1, 1, 'Zhang San', 'T-1') where row_no = 1), '(1,2)', 'changed from the version seen');
select is((select (verdict, version)::text from pg_temp.roster('s1', 2, 'S1', 1, 1, :t1, 1, 'Wang', 'T-1') where row_no = 1), '(2,2)', 'another device with the old version: conflict');
select is((select (verdict, version)::text from pg_temp.roster('s1', 2, 'S1', 2, 1, :t1, 1, 'Zhang San', 'T-1') where row_no = 1), '(1,2)', 'the same content is done whatever was seen');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 4, 1, pg_temp.id('t2'), 0, 'Zhao', 'T-1') where row_no = 1), 4, 'teacher number taken');
select is((select verdict from pg_temp.roster('s2', 3, 'S2', 1, 1, :t1, 2, 'Hacked', 'T-1') where row_no = 1), 3, 'a person of another school: out of scope');
select is((select verdict from pg_temp.roster('w11', 4, 'S1-1', 1, 1, pg_temp.id('t3'), 0, 'Qian', 'T-3') where row_no = 0), 6, 'a head has no roster capability');
select is((select verdict from pg_temp.roster('s2', 3, 'S1', 1, 1, pg_temp.id('t3'), 0, 'Qian', 'T-3') where row_no = 0), 6, 'another school''s stream: out of scope');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 4, 1, pg_temp.id('t2'), 0, 'Zhao', 'T-1') where row_no = 0), 2, 'a repeat');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 9, 1, pg_temp.id('t2'), 0, 'Zhao', 'T-1') where row_no = 0), 4, 'a gap');
select ok(pg_temp.sound('S1'), 'head of the school is right');

-- home
select is((select (verdict, version)::text from pg_temp.roster('s1', 1, 'S1', 5, 2, :m1, 0, p_member => :t1, p_in => 'S1-1', p_role => 1, p_from => :may) where row_no = 1), '(1,1)', 'home membership: done');
select is((select stream from lx.person where id = :t1), pg_temp.u('S1-1'), 'the person moved to the workshop');
select is((select stream from lx.membership where id = :m1), pg_temp.u('S1-1'), 'so did the membership');
select is((select to_stream from lx.left_stream where subject = :t1), pg_temp.u('S1-1'), 'a tombstone in the school''s stream');
select ok(pg_temp.sound('S1') and pg_temp.sound('S1-1'), 'both heads are right');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 6, 2, pg_temp.id('m2'), 0, p_member => :t1, p_in => 'S1-2', p_role => 1, p_from => :july) where row_no = 1), 6, 'a second home at the same time: overlaps');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 7, 2, pg_temp.id('m2'), 0, p_member => :t1, p_in => 'S1-2', p_role => 1, p_from => :july, p_guest => true) where row_no = 1), 1, 'as a guest: done');
select is((select stream from lx.person where id = :t1), pg_temp.u('S1-1'), 'a guest membership moves nobody');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 8, 2, pg_temp.id('m3'), 0, p_member => :t1, p_in => 'S2-1', p_role => 1, p_from => :july, p_guest => true) where row_no = 1), 3, 'a unit of another school: out of scope');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 9, 2, pg_temp.id('m3'), 0, p_member => :t1, p_in => 'S1', p_role => 2, p_from => :july) where row_no = 1), 9, 'a head of a school does not exist');
select is((select verdict from pg_temp.roster('d1', 5, 'D1', 1, 2, pg_temp.id('m3'), 0, p_member => :t1, p_in => 'S3-1', p_role => 1, p_from => :july) where row_no = 1), 3, 'a unit of another district: out of scope of the district');
select is((select verdict from pg_temp.roster('city', 6, 'D1', 1, 2, pg_temp.id('m3'), 0, p_member => :t1, p_in => 'S3-1', p_role => 1, p_from => :july) where row_no = 1), 8, 'also for the city: other district');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 10, 2, pg_temp.id('m3'), 0, p_member => pg_temp.id('nobody'), p_in => 'S1-1', p_role => 1, p_from => :july) where row_no = 1), 3, 'an unknown person');

-- a new person with his home in one group goes there at once
select results_eq($$ select row_no, verdict, version from lx.push_roster(pg_temp.dev(8), pg_temp.p('s1'), 1, pg_temp.u('S1'), 1, sha256('two operations'), 0, 0, '', now(), '{}',
  array[1, 2]::int8[], array[1, 2], array[pg_temp.id('t5'), pg_temp.id('m50')], array[0, 0]::int8[], array['Wu', null], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
  array[null, pg_temp.id('t5')]::uuid[], array[null, 1], array[null, pg_temp.u('S1-2')]::uuid[], array[null, 1], array[null, now()], '{}', '{}', '{}') $$,
  $$ values (0, 1, null::int8), (1, 1, 1), (2, 1, 1) $$, 'person and membership in one group');
select is((select stream from lx.person where id = pg_temp.id('t5')), pg_temp.u('S1-2'), 'he is in the workshop''s stream');
select is((select count(*) from lx.left_stream where subject = pg_temp.id('t5')), 0::int8, 'without a tombstone');
select ok(pg_temp.sound('S1') and pg_temp.sound('S1-2'), 'heads are right');
delete from lx.membership where id = pg_temp.id('m50');
update lx.head set live = live - 2, digest = digest # lx.row_digest(pg_temp.id('t5'), 1) # lx.row_digest(pg_temp.id('m50'), 1) where stream = pg_temp.u('S1-2');
delete from lx.person where id = pg_temp.id('t5');

-- facts and a standing of his, then a move to the sibling workshop
select is((select stored from pg_temp.push('w11', 7, 'S1-1', 1, array[pg_temp.id('f1'), pg_temp.id('f2'), pg_temp.id('f3')], :t1, p_keys => array[sha256('k1'), null, null])), 3, 'three facts on him');
select is((select stored from pg_temp.push('w11', 7, 'S1-1', 4, array[pg_temp.id('o1')], pg_temp.id('somebody else'))), 1, 'and one on somebody else');
select is((select (verdict)::text from lx.standing_put(1, '2021-07-01', array[pg_temp.id('st1')], array[pg_temp.u('S1-1')], array[:t1], array[1], array[1], array[1], array[500]::int8[], array[7000]::int8[], array[1], array['\x01'::bytea], array['\x02'::bytea])), '1', 'a standing');
select is((select verdict from lx.standing_put(1, '2021-07-01', array[pg_temp.id('st2')], array[pg_temp.u('S1-1')], array[:t1], array[1], array[1], array[1], array[500]::int8[], array[7000]::int8[], array[1], array['\x01'::bytea], array['\x03'::bytea])), 2, 'the same standing: same');
select is((select (version, contribution)::text from lx.standing), '(1,"\\x03")', 'only its contribution was written');
select ok(pg_temp.sound('S1-1'), 'head is right');
create temp table before_s11 as select * from pg_temp.replica('S1-1');
create temp table versions as select stream, roster_version from lx.head;
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 11, 2, :m1, 1, p_member => :t1, p_in => 'S1-1', p_role => 1, p_from => :may, p_until => :july) where row_no = 1), 1, 'his home ends');
select is((select verdict from pg_temp.roster('s1', 1, 'S1', 12, 2, pg_temp.id('m4'), 0, p_member => :t1, p_in => 'S1-2', p_role => 1, p_from => :july) where row_no = 1), 1, 'and goes on in the sibling workshop');
select is((select array_agg(distinct stream) from (select stream from lx.fact where subject = :t1 union all select stream from lx.standing union all select stream from lx.membership union all select stream from lx.person) x),
          array[pg_temp.u('S1-2')], 'all his rows are in the new stream');
select is((select stream from lx.fact where id = pg_temp.id('o1')), pg_temp.u('S1-1'), 'nobody else''s');
select ok(pg_temp.sound('S1-1') and pg_temp.sound('S1-2'), 'both heads are right');
select set_eq('select id, version from pg_temp.replica(''S1-1'')', $$ values (pg_temp.id('o1'), 1::int8) $$, 'a fresh replica of the old stream has only what is left');
select set_eq('select id, version from pg_temp.replica(''S1-2'')', $$ values (pg_temp.id('t1'), 2::int8), (pg_temp.id('m1'), 2), (pg_temp.id('m2'), 1), (pg_temp.id('m4'), 1), (pg_temp.id('f1'), 1), (pg_temp.id('f2'), 1), (pg_temp.id('f3'), 1), (pg_temp.id('st1'), 1) $$, 'a fresh replica of the new one has all of his');
select is((select digest from lx.head where stream = pg_temp.u('S1-2')), (select bit_xor(lx.row_digest(id, version)) from pg_temp.replica('S1-2')), 'its digest is that of the head');
select is((select array_agg(kind order by seq) from pg_temp.pull('S1-1', (select max(seq) from lx.fact where stream = pg_temp.u('S1-1')))), array[7], 'the old replica''s next pull brings the tombstone only');
select ok((select bool_and(h.roster_version > v.roster_version) from versions v join lx.head h using (stream) where stream in (pg_temp.u('S1-1'), pg_temp.u('S1-2'))), 'both rosters have new versions');
select ok((select count(*) > 0 from lx.todo where subject = :t1) and (select count(*) > 0 from lx.todo where subject = pg_temp.u('S1-2')) and (select count(*) > 0 from lx.todo where subject = pg_temp.u('S1')), 'he, his workshop and school are on todo');
select is((select verdict from lx.standing_put(1, '2021-07-01', array[pg_temp.id('st2')], array[pg_temp.u('S1-1')], array[:t1], array[1], array[1], array[1], array[600]::int8[], array[7000]::int8[], array[1], array['\x01'::bytea], array['\x03'::bytea])), 3, 'a standing judged before the move is refused');

-- good faith
select is((select (verdict, flags, stored)::text from pg_temp.push('w11', 7, 'S1-1', 5, array[pg_temp.id('g1')], :t1, p_target => 'S1-2')), '(1,1,1)', 'the old head''s fact on him follows him, flagged');
select is((select (stream, flags)::text from lx.fact where id = pg_temp.id('g1')), format('(%s,1)', pg_temp.u('S1-2')), 'into his new stream');
select is((select verdict from pg_temp.push('w11', 7, 'S1-1', 6, array[pg_temp.id('g2')], pg_temp.id('somebody else'), p_target => 'S1-2')), 6, 'but nothing on others there');
update lx.left_stream set left_at = now() - interval '36 days' where stream = pg_temp.u('S1-1');
select is((select verdict from pg_temp.push('w11', 7, 'S1-1', 6, array[pg_temp.id('g2')], :t1, p_target => 'S1-2')), 6, 'after 35 days no more');
update lx.role_grant set revoked_at = now() - interval '1 day' where person = pg_temp.p('w11');
select is((select (verdict, flags)::text from pg_temp.push('w11', 7, 'S1-1', 6, array[pg_temp.id('g3')], pg_temp.id('x'), p_scope => lx.unix_ms(now() - interval '2 days'))), '(1,1)', 'a grant that ended: written before it, good faith');
select is((select verdict from pg_temp.push('w11', 7, 'S1-1', 7, array[pg_temp.id('g4')], pg_temp.id('x'), p_scope => lx.unix_ms(now()))), 6, 'written after it: out of scope');
update lx.role_grant set for_cause = true where person = pg_temp.p('w11');
select is((select verdict from pg_temp.push('w11', 7, 'S1-1', 7, array[pg_temp.id('g4')], pg_temp.id('x'), p_scope => lx.unix_ms(now() - interval '2 days'))), 6, 'revoked for cause: refused at once');

-- to another school
select is((select verdict from pg_temp.roster('d1', 5, 'D1', 2, 2, pg_temp.id('m4'), 1, p_member => :t1, p_in => 'S1-2', p_role => 1, p_from => :july, p_until => '2021-08-01T00:00:00Z') where row_no = 1), 1, 'the district ends his home');
select is((select verdict from pg_temp.roster('d1', 5, 'D1', 3, 2, pg_temp.id('m5'), 0, p_member => :t1, p_in => 'S2-1', p_role => 1, p_from => '2021-08-01T00:00:00Z') where row_no = 1), 1, 'and moves him to another school');
select is((select school from lx.import_key), pg_temp.u('S2'), 'his source keys follow');
select ok(pg_temp.sound('S1-2') and pg_temp.sound('S2-1'), 'both heads are right');
update lx.role_grant set revoked_at = null, for_cause = false where person = pg_temp.p('w11');
update lx.left_stream set left_at = now() where stream = pg_temp.u('S1-1');
select is((select home_stream from lx.roster_of(pg_temp.p('w11'), pg_temp.u('S1-1')) where what = 3 and subject = :t1 limit 1), pg_temp.u('S2-1'), 'his first workshop''s roster says where he is now');
select is((select verdict from pg_temp.push('w11', 7, 'S1-1', 7, array[pg_temp.id('g4')], :t1, p_target => 'S1-2')), 6, 'nothing follows him to where he was in between');
select is((select (verdict, stored)::text from pg_temp.push('w11', 7, 'S1-1', 7, array[pg_temp.id('g4')], :t1, p_target => 'S2-1')), '(1,1)', 'what his first workshop wrote follows him over both moves');
update lx.left_stream set left_at = now() - interval '36 days' where stream = pg_temp.u('S1-1');

-- what a worker judges with
select is((select string_agg(what || ':' || coalesce(role::text, '-'), ' ' order by what, role) from lx.roster_of(pg_temp.p('s2'), pg_temp.u('S2-1'))), '0:- 1:1 1:2 1:3 1:4 2:1 2:1 2:1 2:1 5:3 5:4 5:5 5:6', 'roster_of: header, path, memberships of those here, offices');
select is((select count(*) from lx.roster_of(pg_temp.p('s1'), pg_temp.u('S2-1'))), 0::int8, 'roster_of: nothing for others');
select is((select count(*) from lx.roster_of(pg_temp.p('s1'), pg_temp.u('S1-2')) where what = 3 and subject = :t1 and home_stream = pg_temp.u('S2-1')), 4::int8, 'roster_of: who left, and where he is now');
select is((select count(*) from lx.facts_by_id(pg_temp.p('s1'), pg_temp.u('S1-2'), array[pg_temp.id('f1')])), 1::int8, 'facts_by_id: of somebody who left the stream');
select is((select count(*) from lx.facts_by_id(pg_temp.p('s1'), pg_temp.u('S1-1'), array[pg_temp.id('f1'), pg_temp.id('unknown')])), 0::int8, 'facts_by_id: not elsewhere, and not unknown ones');
select finish();
rollback;
