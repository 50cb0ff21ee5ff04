-- A transfer that was done is not done again wherever it is repeated: his school has gone to a district that took no part in it, once or twice, or he has.
begin;
\ir fixture.sql
select plan(29);
select count(*) from lx.unit_import('test', '{}', array['C', 'C', 'D3', 'D4', 'S4'], array[2, 2, 3, 3, 4], array['D3', 'D4', 'S4', 'S5', 'S4-1'],
  array['District 3', 'District 4', 'School 4', 'School 5', 'W41'], array[3, 4, null, null, null]::int4[], '{}', '{}') \g /dev/null
\set may '\'2021-05-01T00:00:00Z\''
\set august '\'2021-08-01T00:00:00Z\''
create function pg_temp.out(p_device int4, p_unit text, p_op int8, p_transfer text, p_person text, p_to text) returns int4 language sql as
  $$ select max(verdict) filter (where row_no = 1 or (row_no = 0 and verdict <> 1)) from pg_temp.roster('city', p_device, p_unit, p_op, 3, pg_temp.id(p_transfer), 1, p_member => pg_temp.id(p_person), p_in => p_to, p_from => '2021-07-01T00:00:00Z') $$;
create function pg_temp.in(p_device int4, p_unit text, p_op int8, p_transfer text, p_person text, p_join text, p_from timestamptz) returns int4 language sql as
  $$ select max(verdict) filter (where row_no = 1 or (row_no = 0 and verdict <> 1)) from pg_temp.roster('city', p_device, p_unit, p_op, 4, pg_temp.id(p_transfer), 0, p_member => pg_temp.id(p_person), p_in => p_unit, p_role => 1, p_from => p_from, p_join => pg_temp.id(p_join)) $$;
create function pg_temp.carried() returns bool language plpgsql as $$ begin while lx.transit_carry() loop end loop; return true; end $$;
create function pg_temp.moved(p_move text, p_unit text, p_to text) returns int4[] language plpgsql as $$
declare
  v_out int4;
  v_in int4;
begin
  select verdict into v_out from lx.unit_move('op', pg_temp.id(p_move), p_unit, p_to);
  perform lx.gone_take(d, 1) from generate_series(1, 4) d;
  select verdict into v_in from lx.unit_move_in('op', pg_temp.id(p_move), false);
  return array[v_out, v_in, (select verdict from lx.unit_move_end(pg_temp.id(p_move)))];
end $$;
-- Everything that a transfer may change.
create function pg_temp.state() returns text language sql as $$
  select md5(concat((select array_agg(p order by p.district, p.id) from lx.person p), (select array_agg(m order by m.district, m.id) from lx.membership m),
                    (select array_agg(f order by f.district, f.id) from lx.fact f), (select array_agg(t order by t.district, t.id) from lx.transit t),
                    (select array_agg(k order by k.district, k.transfer) from lx.transit_package k), (select array_agg(l order by l.district, l.seq) from lx.left_stream l)))
$$;
create function pg_temp.sound_all() returns bool language sql as $$ select bool_and(pg_temp.sound(code)) from lx.unit $$;

-- two of S1-1 with a fact each: one is sent to district 3 and taken back, one stays there
select is((select array_agg(r.verdict) from (select p from unnest(array['back', 'away']) with ordinality p (p, n) order by n) x cross join lateral
  (select max(verdict) as verdict from pg_temp.roster('city', 1, 'S1-1', case x.p when 'back' then 1 else 3 end, 1, pg_temp.id(x.p), 0, x.p, x.p) union all
   select max(verdict) from pg_temp.roster('city', 1, 'S1-1', case x.p when 'back' then 2 else 4 end, 2, pg_temp.id('home ' || x.p), 0, p_member => pg_temp.id(x.p), p_in => 'S1-1', p_role => 1, p_from => :may)) r),
  array[1, 1, 1, 1], 'two people');
select is((select stored from pg_temp.push('w11', 7, 'S1-1', 1, array[pg_temp.id('f1')], pg_temp.id('back'))), 1, 'a fact');
select is(array[pg_temp.out(1, 'S1-1', 5, 't1', 'back', 'D3'), pg_temp.out(1, 'S1-1', 6, 't2', 'away', 'D3')], array[1, 1], 'both are sent out');
select ok(pg_temp.carried(), 'the news is carried');
select is(array[pg_temp.in(1, 'S1-1', 7, 't1', 'back', 'm1', :august), pg_temp.in(1, 'S4-1', 1, 't2', 'away', 'm2', :august)], array[1, 1], 'one is taken back, one taken in');
select ok(pg_temp.carried(), 'the news is carried');
select is((select array_agg(version) from lx.person where id in (pg_temp.id('back'), pg_temp.id('away'))), array[1, 1]::int8[], 'a transfer raises no version');

-- his school goes to district 2, where neither the transfer's row nor its package lies
select is(pg_temp.moved('to 2', 'S1', 'D2'), array[2, 1, 1], 'the school of one goes to district 2');
create temp table before as select pg_temp.state() as was;
select is(pg_temp.out(2, 'S1-1', 1, 't1', 'back', 'D3'), 1, 'he was sent out: done');
select is(pg_temp.in(2, 'S1-1', 2, 't1', 'back', 'm1', :august), 1, 'and taken back: done');
select is(pg_temp.in(2, 'S1-1', 3, 't1', 'back', 'm1 too', :august), 3, 'not to another place');
select is(pg_temp.out(2, 'S1-1', 4, 't2', 'away', 'D3'), 10, 'who stayed away has gone');
select is(pg_temp.in(2, 'S1-1', 5, 't2', 'away', 'm2 too', :august), 3, 'and is not taken in here');
select is(pg_temp.state(), (select b.was from before b), 'nothing has changed');
select is((select string_agg(changes, '') from lx.op_run where device = pg_temp.dev(2)), ''::bytea, 'and no run says so');

-- the school goes on, and comes home
select is(pg_temp.moved('to 4', 'S1', 'D4'), array[2, 1, 1], 'his school goes on to district 4');
update before set was = pg_temp.state();
select is(array[pg_temp.out(3, 'S1-1', 1, 't1', 'back', 'D3'), pg_temp.in(3, 'S1-1', 2, 't1', 'back', 'm1', :august)], array[1, 1], 'done, there, too');
select is(pg_temp.state(), (select b.was from before b), 'and nothing has changed');

-- and so does the other one, alone: back to the school that he had left, which is in a district that never heard of his first transfer
select is(pg_temp.out(1, 'S4-1', 2, 't3', 'away', 'D4'), 1, 'who stayed away is sent to district 4');
select ok(pg_temp.carried(), 'the news is carried');
select is(pg_temp.in(1, 'S1-1', 8, 't3', 'away', 'm3', :august), 1, 'and is taken in at home');
select ok(pg_temp.carried(), 'the news is carried');
update before set was = pg_temp.state();
select is(array[pg_temp.out(4, 'S1-1', 1, 't2', 'away', 'D3'), pg_temp.out(4, 'S1-1', 2, 't3', 'away', 'D4')], array[1, 1], 'both of his transfers are done');
select is(pg_temp.state(), (select b.was from before b), 'and nothing has changed');
select ok(lx.prune(now() + interval '1 day') > 0, 'after 400 days');
update before set was = pg_temp.state();
select is(array[pg_temp.out(5, 'S1-1', 1, 't2', 'away', 'D3'), pg_temp.out(5, 'S1-1', 2, 't3', 'away', 'D4'), pg_temp.out(5, 'S1-1', 3, 't1', 'back', 'D3')], array[1, 1, 1], 'they still are');
select is(pg_temp.state(), (select b.was from before b), 'and nothing has changed');
select is(pg_temp.out(5, 'S1-1', 4, 't4', 'back', 'D3'), 1, 'a transfer of its own sends him out');
select ok(pg_temp.sound_all(), 'every head is right');
select finish();
rollback;
