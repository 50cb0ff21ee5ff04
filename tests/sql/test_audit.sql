-- The audit chain's ground: content hashes, what push and push_roster record of what they store, head.runs, who may touch seals.
begin;
\ir fixture.sql
select plan(21);

create function pg_temp.uid(p_n int4) returns uuid language sql as $$ select ('0199c0de-0000-7000-8000-0000000000' || lpad(to_hex(p_n), 2, '0'))::uuid $$;
select is(encode(lx.fact_content(row(7, '2022-01-01T00:00:00Z', null, null, now(), 1, 1, 4, 0, pg_temp.uid(8), pg_temp.uid(1), pg_temp.uid(2), null,
            pg_temp.uid(7), 'online', null, null)::lx.fact, null), 'hex'),
          '39bb9b4e2d3dd038127ce52242549884', 'the content of a fact is what common/wire/content.c says');
select is(encode(lx.fact_content(row(7, '2022-01-01T00:00:00Z', '2022-01-01T00:01:00Z', -5, now(), 1, 1, 6, 0, pg_temp.uid(8), pg_temp.uid(3), pg_temp.uid(2),
            pg_temp.uid(9), pg_temp.uid(7), '教研', '', decode('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex'))::lx.fact,
            decode(repeat('07', 32), 'hex')), 'hex'),
          '36691f8ae06dede1939ee321a1aa5b6a', 'also with everything that it may have');
insert into lx.person (district, stream, seq, version, id, birth_year, certificate, established, name, teacher_no)
values (1, pg_temp.u('S1'), 900, 3, pg_temp.uid(4), 1975, true, true, '张三', 'T1');
insert into lx.membership (district, stream, seq, version, id, person, unit, programme, role, from_at, until_at, guest)
values (1, pg_temp.u('S1'), 901, 2, pg_temp.uid(5), pg_temp.uid(4), pg_temp.uid(6), 1, 1, '2022-01-01T00:00:00Z', '2022-01-01T00:01:00Z', true);
select is(encode(lx.person_content(1, pg_temp.uid(4)), 'hex'), '7b00e3c7cf646ed95fe4a8bb2c81a308', 'of a person');
select is(encode(lx.membership_content(1, pg_temp.uid(5)), 'hex'), '9455892f3fdd91c50ade02a7f52a594b', 'of a membership');

-- what a roster run records
create temp table before as select runs from lx.head where stream = pg_temp.u('S1-1');
select * from pg_temp.roster('s1', 1, 'S1-1', 1, 1, pg_temp.id('li'), 0, 'Li') \g /dev/null
select is((select changes from lx.op_run where stream = pg_temp.u('S1-1') order by op_to desc limit 1),
          uuid_send(pg_temp.id('li')) || int8send(1) || lx.person_content(1, pg_temp.id('li')), 'a roster run records id, version and content of its row');
select is((select h.runs - b.runs from lx.head h, before b where h.stream = pg_temp.u('S1-1')), 1::int8, 'and is counted in the head');
select * from pg_temp.roster('s1', 1, 'S1-1', 2, 1, pg_temp.id('li'), 7, 'Other') \g /dev/null
select is((select changes from lx.op_run where stream = pg_temp.u('S1-1') order by op_to desc limit 1), ''::bytea, 'a refused row is not recorded');
select is((select h.runs - b.runs from lx.head h, before b where h.stream = pg_temp.u('S1-1')), 2::int8, 'but its run is counted');

-- what a push records
create function pg_temp.contents(p_ids uuid[], p_item text) returns bytea language sql as $$
  select string_agg(substring(sha256('some content ' || p_item::bytea || uuid_send(i)) for 16), ''::bytea order by o) from unnest(p_ids) with ordinality x (i, o) $$;
create function pg_temp.sent(p_op int8, p_ids uuid[], p_contents bytea[], p_item text, p_slow bool default false, p_keys bytea[] default '{}') returns int4
language sql as $$
  select r.verdict from lx.push(array[pg_temp.dev(2)], array[pg_temp.p('w11')], array[1], array[pg_temp.u('S1-1')], array[p_op],
    array[(select string_agg(substring(sha256(uuid_send(i) || p_item::bytea) for 16), ''::bytea order by o) from unnest(p_ids) with ordinality x (i, o))],
    array[9000000000000], array[0], array[''::bytea], array[1], array[pg_temp.u('S1-1')], array[2],
    (select array[h.roster_version] from lx.head h where h.stream = pg_temp.u('S1-1')), array[cardinality(p_ids)],
    array[(select bit_xor(lx.row_digest(i, 1)) from unnest(p_ids) i)], array_fill(1, array[cardinality(p_ids)]),
    array(select generate_series(1, cardinality(p_ids))), p_ids, array_fill(1, array[cardinality(p_ids)]), array_fill(1, array[cardinality(p_ids)]),
    array_fill(pg_temp.id('li'), array[cardinality(p_ids)]), array_fill(p_item, array[cardinality(p_ids)]),
    array_fill('2021-07-01T00:00:00Z'::timestamptz, array[cardinality(p_ids)]), '{}', array_fill(100::int8, array[cardinality(p_ids)]), '{}', '{}', p_keys,
    array(select generate_series(p_op, p_op + cardinality(p_ids) - 1)), '{}', '{}', now(), p_slow, '\x0807', p_contents) r $$;
create function pg_temp.last_run() returns lx.op_run language sql as $$
  select o from lx.op_run o where o.stream = pg_temp.u('S1-1') and o.device = pg_temp.dev(2) order by o.op_to desc limit 1 $$;
create temp table ids as select array[pg_temp.id('f1'), pg_temp.id('f2')] as a, array[pg_temp.id('f1'), pg_temp.id('f3')] as b;
select is(pg_temp.sent(1, a, array[pg_temp.contents(a, 'x')], 'x'), 1, 'a push with contents') from ids;
select is((pg_temp.last_run()).contents, pg_temp.contents(a, 'x'), 'they stand in its run') from ids;
select is((select h.runs - b.runs from lx.head h, before b where h.stream = pg_temp.u('S1-1')), 3::int8, 'which is counted in the head');
select is(pg_temp.sent(1, a, array[pg_temp.contents(a, 'x')], 'x'), 2, 'the same push again') from ids;
select is((select h.runs - b.runs from lx.head h, before b where h.stream = pg_temp.u('S1-1')), 3::int8, 'makes no run');
select is(pg_temp.sent(3, b, array[pg_temp.contents(b, 'x')], 'x', true), 1, 'a push with a fact that is there already') from ids;
select is((pg_temp.last_run()).contents, pg_temp.contents(array[pg_temp.id('f3')], 'x'), 'records only what it has stored');
select throws_ok($$ select pg_temp.sent(5, array[pg_temp.id('f4'), pg_temp.id('f5')], array[pg_temp.contents(array[pg_temp.id('f4')], 'x')], 'x') $$, '22000', null,
                 'a fact without its content is not stored');

-- superseding voids are made by the database, so it hashes them itself
select pg_temp.sent(5, array[pg_temp.id('k1')], array[pg_temp.contents(array[pg_temp.id('k1')], 'x')], 'x', false, array[sha256('row')]) \g /dev/null
select is(pg_temp.sent(6, array[pg_temp.id('k2')], array[pg_temp.contents(array[pg_temp.id('k2')], 'y')], 'y', true, array[sha256('row')]), 1, 'another content of the same imported row');
select is((pg_temp.last_run()).contents,
          (select lx.fact_content(v, null) from lx.fact v where v.of_id = pg_temp.id('k1')) || pg_temp.contents(array[pg_temp.id('k2')], 'y'),
          'records the void that it made, then the fact');

select is(has_table_privilege('lianxiao_assessor', 'lx.seal', 'update, delete, truncate'), false, 'not even the sealer changes a seal');
select is((select count(*) from unnest(array['lianxiao_api', 'lianxiao_ops', 'lianxiao_auth']) r (role) where has_table_privilege(r.role, 'lx.seal', 'select, insert, update, delete')),
          0::int8, 'nobody else touches one');
-- the order of what is written about one row
update lx.audit set at = at + interval '1 hour' where action = 'row' and target = 'unit ' || pg_temp.u('S1'); -- since then the clock was set back
create temp table newest as select max(a.at) as at from lx.audit a where a.action = 'row' and a.target = 'unit ' || pg_temp.u('S1');
update lx.unit set name = 'renamed' where code = 'S1';
select is((select count(*) from lx.audit a, newest n where a.action = 'row' and a.target = 'unit ' || pg_temp.u('S1') and a.at > n.at), 1::int8, 'the newest is the newest, whatever the clock says');

select finish();
rollback;
