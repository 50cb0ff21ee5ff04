-- Nobody is there twice: what was done once and goes again under other keys (a home that was enrolled anew after a restore sends all it has) when the people
-- have gone meanwhile, alone or with their units, however long ago; and nobody joins a unit that is under way.
begin;
\ir fixture.sql
select plan(44);
insert into lx.account (person, account, name, password_hash) values (pg_temp.p('d2'), 'acc.d2', 'Name of d2', 'hash');
insert into lx.role_grant (id, person, unit, role, from_at) values (pg_temp.id('grant d2'), pg_temp.p('d2'), pg_temp.u('D2'), 4, now() - interval '100 days');
\set may '\'2021-05-01T00:00:00Z\''
\set july '\'2021-07-01T00:00:00Z\''
\set homes `cat "$LX_ROOT/sql/queries/homes_of.sql"`
select set_config('lianxiao.test_homes', :'homes', true) \g /dev/null
create function pg_temp.person(p_account text, p_device int4, p_unit text, p_op int8, p_person text) returns int4 language sql as
  $$ select max(verdict) filter (where row_no = 1 or (row_no = 0 and verdict <> 1)) from pg_temp.roster(p_account, p_device, p_unit, p_op, 1, pg_temp.id(p_person), 0, p_person, p_person) $$;
create function pg_temp.join(p_account text, p_device int4, p_unit text, p_op int8, p_member text, p_person text, p_in text, p_from timestamptz, p_until timestamptz, p_seen int8 default 0, p_guest bool default false) returns int4 language sql as
  $$ select max(verdict) filter (where row_no = 1 or (row_no = 0 and verdict <> 1)) from pg_temp.roster(p_account, p_device, p_unit, p_op, 2, pg_temp.id(p_member), p_seen, p_member => pg_temp.id(p_person), p_in => p_in, p_role => 1, p_from => p_from, p_until => p_until, p_guest => p_guest) $$;
create function pg_temp.out(p_account text, p_device int4, p_unit text, p_op int8, p_person text, p_to text) returns int4 language sql as
  $$ select max(verdict) filter (where row_no = 1 or (row_no = 0 and verdict <> 1)) from pg_temp.roster(p_account, p_device, p_unit, p_op, 3, pg_temp.id('out ' || p_person), 1, p_member => pg_temp.id(p_person), p_in => p_to, p_from => '2021-08-01T00:00:00Z') $$;
-- An imported row: somebody new and his home, in one group of a stream above both.
create function pg_temp.import(p_account text, p_device int4, p_unit text, p_op int8, p_person text, p_in text) returns int4[] language sql as $$
  select array_agg(r.verdict order by r.row_no) filter (where r.row_no > 0) from lx.unit u cross join lateral lx.push_roster(
    pg_temp.dev(p_device), pg_temp.p(p_account), u.district, u.id, p_op, substring(sha256(p_person::bytea) from 1 for 16) || substring(sha256(p_in::bytea) from 1 for 16), 9000000000000, 0, '', now(),
    array_fill('\x0802'::bytea, array[16]), array[p_op, p_op + 1], array[1, 2], array[pg_temp.id(p_person), pg_temp.id('home ' || p_person)], array[0, 0]::int8[], array[p_person, null],
    array[p_person, null], '{}', array[true, null], array[true, null], array[true, null], array[true, null], array[1980, null], '{}', array[null, pg_temp.id(p_person)], array[null, 1],
    array[null, pg_temp.u(p_in)], array[null, 1], array[null, '2021-05-01T00:00:00Z'::timestamptz], '{}', array[null, false], '{}') r
  where u.code = p_unit
$$;
create function pg_temp.times(p_person text) returns int8 language sql as $$
  select (select count(*) from lx.person where id = pg_temp.id(p_person)) + (select count(*) from lx.transit_package where person = pg_temp.id(p_person) and taken_by is null)
         + (select count(*) from lx.unit_package k join lx.unit_move m on m.district = k.district and m.id = k.move cross join jsonb_array_elements(k.rows) r
            where m.taken_by is null and k.what = 'person' and (r ->> 'id')::uuid = pg_temp.id(p_person))
$$;
create function pg_temp.gone_to(p_unit text, p_person text) returns uuid language plpgsql as $$
declare
  v_to uuid;
begin
  execute format('select gone_to from (%s) q', current_setting('lianxiao.test_homes')) into v_to using pg_temp.u(p_unit), array[pg_temp.id(p_person)];
  return v_to;
end $$;

-- five people: one goes alone, one from where his first school doesn't look, one with his unit, one was imported by his district, one stays
select is(array[pg_temp.person('s1', 1, 'S1-1', 1, 'alone'), pg_temp.person('s1', 1, 'S1-1', 2, 'far'), pg_temp.person('s2', 2, 'S2-1', 1, 'with'), pg_temp.person('s2', 2, 'S2-1', 2, 'stays')],
  array[1, 1, 1, 1], 'four people');
select is(pg_temp.import('d1', 3, 'D1', 1, 'imported', 'S1-1'), array[1, 1], 'a fifth with his home');
select is((select stream from lx.person where id = pg_temp.id('imported')), pg_temp.u('S1-1'), 'where he is put at once');
select is(array[pg_temp.join('d1', 3, 'S1-1', 1, 'm1', 'far', 'S2-2', :may, null), pg_temp.join('d1', 3, 'S2-1', 1, 'm2', 'with', 'S1-2', :may, null)], array[1, 1], 'two change their schools');
select is(array[pg_temp.join('d1', 3, 'S2-1', 2, 'm3', 'stays', 'S1-1', :may, :july), pg_temp.join('d1', 3, 'S1-1', 2, 'm4', 'stays', 'S2-1', :july, null)], array[1, 1], 'one comes back');
select is(array[pg_temp.out('d1', 3, 'S1-1', 3, 'alone', 'D2'), pg_temp.out('d1', 3, 'S2-2', 1, 'far', 'D2')], array[1, 1], 'two are sent to district 2');
select is(pg_temp.person('s1', 4, 'S1-1', 1, 'alone'), 10, 'added again: he has gone');
select is(pg_temp.person('s1', 4, 'S1-1', 2, 'far'), 3, 'nor is he added whose going the sender may not hear of');
select is(array[pg_temp.times('alone'), pg_temp.times('far')], array[1, 1]::int8[], 'each is there once');

-- the unit that he left is under way to the district that he was sent to
select is((select verdict from lx.unit_move('op', pg_temp.id('move'), 'S1', 'D2')), 2, 'S1 leaves for district 2');
select is(pg_temp.person('s2', 5, 'S2-1', 1, 'with'), 3, 'who is under way with his unit is not added again where he was before');
select is(pg_temp.times('with'), 1::int8, 'he is there once');
select is(pg_temp.join('d1', 3, 'S2-1', 3, 'm5', 'stays', 'S1-1', :july, null), 9, 'nobody joins what is under way');
select is(pg_temp.import('d1', 3, 'D1', 3, 'new', 'S1-1'), null, 'nobody new, either');
select is(pg_temp.join('s2', 2, 'S2-1', 3, 'm4', 'stays', 'S2-1', :july, null, 1, true), 1, 'whose home there ends');
select is((select (district, stream)::text from lx.person where id = pg_temp.id('stays')), format('(1,%s)', pg_temp.u('S2-1')), 'does not go back to a home that is under way');
select is((select count(*) from lx.gone_take(1, 1)) * 0 + (select verdict from lx.unit_move_in('op', pg_temp.id('move'), false)), 1::int8, 'it arrives');
select is(pg_temp.person('s1', 6, 'S1-1', 1, 'alone'), 10, 'who was sent here before is not added by his old unit, which is here now');
select ok((select position(convert_to('District 2', 'UTF8') in answer) > 0 from lx.op_run where district = 2 and device = pg_temp.dev(6)), 'the refusal says where he is');
select is(pg_temp.join('s1', 6, 'S1-1', 2, 'm6', 'alone', 'S1-1', :may, null), 10, 'nor given a place');
select is(pg_temp.gone_to('S1-1', 'alone'), pg_temp.u('D2'), 'workers know where he went');
select is((select home_stream from lx.roster_of(pg_temp.p('w11'), pg_temp.u('S1-1')) where what = 6 and subject = pg_temp.id('alone')), pg_temp.u('D2'), 'for facts, too');
select is(pg_temp.person('s2', 5, 'S2-1', 2, 'with'), 10, 'who went with his unit has gone');
select is(pg_temp.import('d1', 7, 'D1', 1, 'imported', 'S1-1'), array[8, 3], 'an import that is repeated adds nobody whose home is in another district now');
select is((select array_agg(pg_temp.times(p)) from unnest(array['alone', 'far', 'with', 'imported', 'stays']) p), array[1, 1, 1, 1, 1]::int8[], 'each is there once');
select is(pg_temp.import('d2', 8, 'D2', 1, 'imported', 'S1-1'), array[1, 1], 'where he is it is the same once more');

-- and he can be taken in
select ok(lx.transit_carry(), 'the news of him is carried');
select is((select max(verdict) filter (where row_no = 1) from pg_temp.roster('d2', 8, 'S3-1', 1, 4, pg_temp.id('out alone'), 0, p_member => pg_temp.id('alone'), p_in => 'S3-1', p_role => 1, p_from => '2021-08-02T00:00:00Z', p_join => pg_temp.id('m7'))), 1, 'and he is taken in');
select is((select (district, stream)::text from lx.person where id = pg_temp.id('alone')), format('(2,%s)', pg_temp.u('S3-1')), 'and lives there');
select is(pg_temp.gone_to('S1-1', 'alone'), null, 'and has gone nowhere');

-- 400 days later, by a home that was away as long
select ok(lx.prune(now() + interval '1 day') > 0, 'tombstones grow old');
select is(array[pg_temp.person('s1', 9, 'S1-1', 1, 'far'), pg_temp.person('s2', 9, 'S2-1', 1, 'with')], array[10, 10], 'who went to another district is still not added where he was before');
select is(array[pg_temp.person('s1', 9, 'S1-1', 2, 'alone'), pg_temp.person('s2', 9, 'S2-1', 2, 'stays')], array[3, 1], 'who is in the district is known by his row');
select is((select (k.taken_by, k.body is null)::text from lx.transit_package k where k.person = pg_temp.id('far')), '(,f)', 'one of them is under way all that time, in no table but his package');
select is((select array_agg(pg_temp.times(p)) from unnest(array['alone', 'far', 'with', 'imported', 'stays']) p), array[1, 1, 1, 1, 1]::int8[], 'each is there once');
select is((select count(*) from lx.left_stream l where exists (select from lx.person p where p.district = l.district and p.id = l.subject and p.stream = l.stream)), 0::int8, 'tombstones that nobody needs have gone');

-- the unit that somebody left goes to another district, or the one that he lives in does: neither district has his row where he is added again
select is((select verdict from lx.unit_move('op', pg_temp.id('move 2'), 'S1', 'D1')), 2, 'S1 goes back to district 1');
select is((select count(*) from lx.gone_take(2, 1)) * 0 + (select verdict from lx.unit_move_in('op', pg_temp.id('move 2'), false)), 1::int8, 'and arrives');
select is(pg_temp.person('s1', 9, 'S1-1', 3, 'alone'), 10, 'who left it for another place of district 2, and stayed there, is not added by it');
select ok(lx.prune(now() + interval '1 day') is not null, 'tombstones grow old once more');
select is((select verdict from lx.unit_move('op', pg_temp.id('move 3'), 'S1', 'D2')), 2, 'S1 leaves again, with somebody who came to it from S2');
select is((select count(*) from lx.gone_take(1, 1)) * 0 + (select verdict from lx.unit_move_in('op', pg_temp.id('move 3'), false)), 1::int8, 'and arrives');
select is(pg_temp.person('s2', 9, 'S2-1', 3, 'with'), 10, 'who is not added where he was before');
select is((select array_agg(pg_temp.times(p)) from unnest(array['alone', 'far', 'with', 'imported', 'stays']) p), array[1, 1, 1, 1, 1]::int8[], 'each is there once');
select finish();
rollback;
