-- Transfers between districts: out, in transit, in, taken back; who may, what is refused, what each stream holds, what the figures give back.
begin;
\ir fixture.sql
select plan(76);
\set t1 'pg_temp.id(\'t1\')'
\set tr 'pg_temp.id(\'transfer\')'
\set may '\'2021-05-01T00:00:00Z\''
\set july '\'2021-07-01T00:00:00Z\''
insert into lx.account (person, account, name, password_hash) values (pg_temp.p('d2'), 'acc.d2', 'Name of d2', 'hash');
insert into lx.role_grant (id, person, unit, role, from_at) values (pg_temp.id('grant d2'), pg_temp.p('d2'), pg_temp.u('D2'), 4, now() - interval '100 days');
create function pg_temp.out(p_account text, p_device int4, p_unit text, p_op int8, p_transfer uuid, p_person uuid, p_to text, p_seen int8) returns int4 language sql as
  $$ select max(verdict) filter (where row_no = 1 or (row_no = 0 and verdict <> 1)) from pg_temp.roster(p_account, p_device, p_unit, p_op, 3, p_transfer, p_seen, p_member => p_person, p_in => p_to, p_from => '2021-07-01T00:00:00Z') $$;
create function pg_temp.in(p_account text, p_device int4, p_unit text, p_op int8, p_transfer uuid, p_person uuid, p_join uuid, p_from timestamptz default '2021-07-02T00:00:00Z', p_role int4 default 1) returns int4 language sql as
  $$ select max(verdict) filter (where row_no = 1 or (row_no = 0 and verdict <> 1)) from pg_temp.roster(p_account, p_device, p_unit, p_op, 4, p_transfer, 0, p_member => p_person, p_in => p_unit, p_role => p_role, p_from => p_from, p_join => p_join) $$;
create function pg_temp.sound_all() returns bool language sql as $$ select bool_and(pg_temp.sound(code)) from lx.unit $$;

-- a teacher of S1-1, head of S1-2 besides, with facts, a submission, source keys, a standing
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 1, 1, :t1, 0, 'Zhang', 'T-1') where row_no = 1), 1, 'a person');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 2, 2, pg_temp.id('m1'), 0, p_member => :t1, p_in => 'S1-1', p_role => 1, p_from => :may) where row_no = 1), 1, 'with a home');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 3, 2, pg_temp.id('m2'), 0, p_member => :t1, p_in => 'S1-2', p_role => 2, p_from => :may) where row_no = 1), 1, 'and an office');
select is((select stored from pg_temp.push('w11', 7, 'S1-1', 1, array[pg_temp.id('f1'), pg_temp.id('f2'), pg_temp.id('f3')], :t1, p_keys => array[sha256('k1'), null, null])), 3, 'three facts on him');
select is((select stored from pg_temp.push('w11', 7, 'S1-1', 4, array[pg_temp.id('o1')], pg_temp.id('somebody else'))), 1, 'one on somebody else');
insert into lx.submission (district, stream, fact, sha256, body) values (1, pg_temp.u('S1-1'), pg_temp.id('f2'), sha256('\x0102'), '\x0102');
select is((select verdict from lx.standing_put(1, '2021-07-01', array[pg_temp.id('st1')], array[pg_temp.u('S1-1')], array[:t1], array[1], array[1], array[1], array[500]::int8[], array[7000]::int8[], array[1], array['\x01'::bytea], array['\x02'::bytea])), 1, 'a standing');
create temp table before as select id, subject, kind, item, occurred_at, quantity, received_at, actor, source_key from lx.fact where subject = :t1;
create temp table heads as select stream, head, roster_version from lx.head;

-- who may send him out, and where to
select is(pg_temp.out('s1', 1, 'S1-1', 4, :tr, :t1, 'D2', 1), 7, 'a school lacks the capability');
select is(pg_temp.out('d2', 3, 'D2', 1, :tr, :t1, 'D1', 1), 3, 'another district does not know him');
select is(pg_temp.out('d1', 5, 'S1-1', 1, :tr, :t1, 'D2', 9), 2, 'somebody has changed him since');
select is(pg_temp.out('d1', 5, 'S1-1', 2, :tr, :t1, 'D1', 1), 11, 'not to his own district');
select is(pg_temp.out('d1', 5, 'S1-1', 3, :tr, :t1, 'S3', 1), 11, 'nor to a school');
select is(pg_temp.out('d1', 5, 'S1-1', 4, :tr, pg_temp.id('nobody'), 'D2', 1), 3, 'nobody of this id');
select ok(pg_temp.sound_all(), 'nothing has changed');

-- out
select is(pg_temp.out('d1', 5, 'S1-1', 5, :tr, :t1, 'D2', 1), 1, 'his district sends him out');
select is((select count(*) from lx.fact where subject = :t1) + (select count(*) from lx.person where id = :t1) + (select count(*) from lx.membership where person = :t1)
          + (select count(*) from lx.standing where subject = :t1) + (select count(*) from lx.import_key) + (select count(*) from lx.submission), 0::int8, 'his rows have left the ledger');
select is((select array_agg(kind order by seq) from pg_temp.pull('S1-1', (select head from heads where stream = pg_temp.u('S1-1')))), array[7], 'the old replica gets a tombstone');
select is((select array_agg(id) from pg_temp.replica('S1-1')), array[pg_temp.id('o1')], 'and holds the other''s fact only');
select is((select (side, name, ended_at)::text from lx.transit), '(1,Zhang,)', 'he is under way');
select is((select array_agg(kind) from pg_temp.pull('D1')), array[8], 'his district sees it');
select ok(pg_temp.sound_all(), 'every head is right');
select ok((select bool_and(h.roster_version > v.roster_version) from heads v join lx.head h using (stream) where stream in (pg_temp.u('S1-1'), pg_temp.u('S1-2'))), 'both rosters have new versions');
select is((select array_agg(contribution) from lx.gone_take(1, 1)), array['\x02'::bytea], 'the assessor gets what he had added');
select is((select count(*) from lx.gone_take(1, 1)), 0::int8, 'once');
select is((select octet_length(changes) / 40 from lx.op_run where op_from = 5 and device = pg_temp.dev(5)), 6, 'the run says of each of his six records that it left');
select ok((select count(*) > 0 from lx.todo where district = 1 and subject = :t1), 'and has him on todo');
select is((select (home_stream, left_at is not null)::text from lx.roster_of(pg_temp.p('w11'), pg_temp.u('S1-1')) where what = 6), format('(%s,t)', pg_temp.u('D2')), 'workers learn where he went');

-- again, and what else the old side may try
select is(pg_temp.out('d1', 5, 'S1-1', 6, :tr, :t1, 'D2', 1), 1, 'the same once more under another key: done');
select is(pg_temp.out('d1', 5, 'S1-1', 7, pg_temp.id('second'), :t1, 'D2', 1), 10, 'a second transfer: he has gone');
select ok((select position(convert_to('District 2', 'UTF8') in answer) > 0 from lx.op_run where op_from = 7 and device = pg_temp.dev(5)), 'the refusal says where to');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 5, 1, :t1, 1, 'Zhang San') where row_no = 1), 10, 'a change of his row: he has gone');
select is((select verdict from pg_temp.roster('s1', 1, 'S1-1', 6, 2, pg_temp.id('m1'), 1, p_member => :t1, p_in => 'S1-1', p_role => 1, p_from => :may, p_until => :july) where row_no = 1), 10, 'of his membership likewise');
select is((select count(*)::int4 from lx.op_run where op_from in (5, 6) and device = pg_temp.dev(1) and position(convert_to('District 2', 'UTF8') in answer) > 0), 2, 'and both refusals say where to');
select is((select verdict from pg_temp.roster('s2', 2, 'S2-1', 1, 1, :t1, 1, 'Zhang San') where row_no = 1), 2, 'a school that never had him learns nothing');

-- in
select is(pg_temp.in('d2', 3, 'S3-1', 1, :tr, :t1, pg_temp.id('m9')), 3, 'before the news has come he is not known');
select ok(lx.transit_carry(), 'the news is carried');
select ok(not lx.transit_carry(), 'once');
select is((select array_agg(kind) from pg_temp.pull('D2')), array[8], 'the other district sees him');
select is(pg_temp.in('d1', 5, 'S2-1', 1, pg_temp.id('unknown'), :t1, pg_temp.id('m9')), 3, 'an unknown transfer');
select is(pg_temp.in('d2', 3, 'S3-1', 2, :tr, pg_temp.id('nobody'), pg_temp.id('m9')), 3, 'another person than the transfer''s');
select is(pg_temp.in('s3', 4, 'S3-1', 1, :tr, :t1, pg_temp.id('m9')), 3, 'a school sees no transfers');
select is(pg_temp.in('d2', 3, 'S3-1', 3, :tr, :t1, pg_temp.id('m9'), '2021-06-01'), 13, 'before he left');
select is(pg_temp.in('d2', 3, 'S3-1', 4, :tr, :t1, pg_temp.id('m9'), p_role => 2), 9, 'an office is no home');
select is(pg_temp.in('d2', 3, 'S3-1', 5, :tr, :t1, pg_temp.id('m1')), 14, 'a membership id of his own');
select is(pg_temp.in('d2', 3, 'S3-1', 6, :tr, :t1, pg_temp.id('m9')), 1, 'the named district takes him in');
select is((select array_agg(distinct (district, stream)::text) from (select district, stream from lx.fact where subject = :t1 union all select district, stream from lx.person where id = :t1
  union all select district, stream from lx.membership where person = :t1 union all select district, stream from lx.standing where subject = :t1 union all select district, stream from lx.submission) r),
  array[format('(2,%s)', pg_temp.u('S3-1'))], 'all of his lies in the new stream');
select results_eq('select * from before order by id', $$ select id, subject, kind, item, occurred_at, quantity, received_at, actor, source_key from lx.fact where subject = pg_temp.id('t1') order by id $$, 'no fact has changed');
select is((select (district, school, fact)::text from lx.import_key), format('(2,%s,%s)', pg_temp.u('S3'), pg_temp.id('f1')), 'the source key is his new school''s');
select is((select array_agg((unit = pg_temp.u('S3-1'), until_at)::text order by from_at, unit = pg_temp.u('S1-2')) from lx.membership where person = :t1),
  array['(f,"2021-07-01 00:00:00+00")', '(f,"2021-07-01 00:00:00+00")', '(t,)'], 'the old memberships are history');
select is((select (octet_length(changes) / 40, position(uuid_send(pg_temp.id('f2')) || int8send(1) || lx.record_content(2, 'fact', pg_temp.id('f2')) in changes) > 0)::text from lx.op_run where op_from = 6 and device = pg_temp.dev(3)),
  '(7,t)', 'the run says of each record that it arrived, and what it says');
select is((select contribution from lx.standing where subject = :t1), null, 'his figures are added anew');
select is((select verdict from pg_temp.roster('d2', 8, 'S3-1', 1, 2, pg_temp.id('m9'), 1, p_member => :t1, p_in => 'S3-1', p_role => 1, p_from => '2021-07-02T00:00:00Z', p_until => '2021-09-01T00:00:00Z') where row_no = 1), 1, 'his new place gets an end');
select is(pg_temp.in('d2', 8, 'S3-1', 2, :tr, :t1, pg_temp.id('m9')), 1, 'a copy that took him in, too: done');
select is((select changes from lx.op_run where op_from = 2 and device = pg_temp.dev(8) and stream = pg_temp.u('S3-1')), ''::bytea, 'and its run says nothing of records that are as somebody else has made them since');
select is((select verdict from pg_temp.roster('d2', 8, 'S3-1', 3, 2, pg_temp.id('m9'), 2, p_member => :t1, p_in => 'S3-1', p_role => 1, p_from => '2021-07-02T00:00:00Z') where row_no = 1), 1, 'and none');
select ok(pg_temp.sound_all(), 'every head is right');
select ok(lx.transit_carry() and not lx.transit_carry(), 'the old district hears of it');
select ok(pg_temp.sound_all() and (select bool_and(ended_at is not null) from lx.transit) and (select body is null from lx.transit_package), 'nothing is under way any more');
select is((select array_agg(kind) from pg_temp.pull('D1') union all select array_agg(kind) from pg_temp.pull('D2') limit 1), array[9], 'both replicas drop the notice');
select is(pg_temp.in('d2', 3, 'S3-1', 7, :tr, :t1, pg_temp.id('m9')), 1, 'the same once more under another key: done');
select is(pg_temp.in('d2', 3, 'S3-1', 8, :tr, :t1, pg_temp.id('m10')), 12, 'a second home from the same transfer: he is here already');
select is(pg_temp.in('d1', 5, 'S2-1', 2, :tr, :t1, pg_temp.id('m10')), 12, 'the old district can''t take him back now');

-- home again through a second transfer, taken back at once by the district that sent him
select is(pg_temp.out('d2', 3, 'S3-1', 9, pg_temp.id('third'), :t1, 'D1', 1), 1, 'sent to the first district again');
insert into lx.fact (district, programme, kind, flags, stream, seq, id, subject, actor, received_at) values (2, 1, 1, 0, pg_temp.u('S3-2'), 1, pg_temp.id('f1'), pg_temp.id('x'), pg_temp.id('x'), now());
select is(pg_temp.in('d2', 3, 'S3-2', 1, pg_temp.id('third'), :t1, pg_temp.id('m11')), 14, 'somebody has used the id of a fact of his: refused, not lost');
delete from lx.fact where stream = pg_temp.u('S3-2');
select is((pg_temp.in('d2', 3, 'S3-2', 2, pg_temp.id('third'), :t1, pg_temp.id('m11')), lx.transit_carry(), lx.transit_carry(), pg_temp.sound_all())::text, '(1,t,f,t)', 'but taken back: the other side never hears of it');
select is((select (district, stream)::text from lx.person where id = :t1), format('(2,%s)', pg_temp.u('S3-2')), 'he is where he was taken back to');

-- a place that he had longer than until the day he left: it would still count as his home
select is((pg_temp.out('d2', 3, 'S3-2', 3, pg_temp.id('fourth'), :t1, 'D1', 1), pg_temp.in('d2', 3, 'S3-1', 10, pg_temp.id('fourth'), :t1, pg_temp.id('m12'), '2021-08-01'))::text, '(1,1)', 'out and back, with a place from August');
select is(pg_temp.out('d2', 3, 'S3-1', 11, pg_temp.id('fifth'), :t1, 'D1', 1), 1, 'and sent out again, as of July');
select is(pg_temp.in('d2', 3, 'S3-2', 4, pg_temp.id('fifth'), :t1, pg_temp.id('m13'), '2021-07-02'), 13, 'a new place in the district begins no earlier than that one');
select is((pg_temp.in('d2', 3, 'S3-2', 5, pg_temp.id('fifth'), :t1, pg_temp.id('m13'), '2021-08-01'), pg_temp.sound_all())::text, '(1,t)', 'or with it');

-- what is said again after the transfers' rows are pruned: a home that never heard the answer, and is enrolled anew
select ok(lx.prune(now() + interval '1 day') > 0, 'the tombstones grow old');
select ok(not exists (select from lx.transit), 'and with them the rows of transfers that are over');
create temp table pruned as select (select array_agg(p order by id) from lx.person p) as persons, (select array_agg(k order by transfer) from lx.transit_package k) as packages;
select is(pg_temp.out('d2', 8, 'S3-2', 1, pg_temp.id('fifth'), :t1, 'D1', (select version from lx.person where id = :t1)), 1, 'he was sent out and is back: done');
select is(pg_temp.out('d2', 8, 'S3-2', 2, pg_temp.id('fifth'), :t1, 'D2', (select version from lx.person where id = :t1)), 3, 'not to another district');
select is(pg_temp.in('d2', 8, 'S3-2', 3, pg_temp.id('fifth'), :t1, pg_temp.id('m13'), '2021-08-01'), 1, 'and so was taking him back');
select is(pg_temp.in('d2', 8, 'S3-2', 4, pg_temp.id('fifth'), :t1, pg_temp.id('m13'), '2021-08-02'), 12, 'but not as of another day');
select ok(pg_temp.sound_all() and (select (persons, packages) is not distinct from ((select array_agg(p order by id) from lx.person p), (select array_agg(k order by transfer) from lx.transit_package k)) from pruned),
  'he is where he was, and nothing is under way');
select finish();
rollback;
