-- Row level security: for every table with unit data and every role, what a worker's connection sees equals what lies in the person's streams.
begin;
\ir fixture.sql
-- one person with home, facts, a submission, a standing and a roll-up in every workshop, school and district; operations too
insert into lx.person (district, stream, seq, id, name) select district, id, 1, pg_temp.id('person in ' || code), 'N' from lx.unit where level >= 2;
insert into lx.membership (district, stream, seq, id, person, unit, programme, role, from_at)
select district, id, 2, pg_temp.id('membership in ' || code), pg_temp.id('person in ' || code), id, 1, 1, now() from lx.unit where level >= 2;
insert into lx.fact (seq, received_at, district, programme, kind, flags, stream, id, subject, actor)
select 3, now(), district, 1, 6, 0, id, pg_temp.id('fact in ' || code), pg_temp.id('person in ' || code), pg_temp.p('city') from lx.unit where level >= 2;
insert into lx.submission (district, stream, fact, sha256, body) select district, stream, id, '', '' from lx.fact;
insert into lx.standing (district, stream, seq, id, subject, programme, role, state, scheme_version, as_of, points, total)
select district, id, 4, pg_temp.id('standing in ' || code), pg_temp.id('person in ' || code), 1, 1, 1, 1, now(), 0, 0 from lx.unit where level >= 2;
insert into lx.left_stream (district, stream, seq, subject, to_stream, left_at) select district, id, 5, pg_temp.id('gone from ' || code), id, now() from lx.unit where level >= 2;
insert into lx.op_run (district, stream, device, op_from, op_to, seq_from, scope_version, received_at, stored, refused, flags, person, root, hashes, answer)
select district, id, pg_temp.dev(1), 1, 1, 1, 1, now(), 1, 0, 0, pg_temp.p('city'), '', substring(sha256('') for 16), '' from lx.unit where level >= 2;
insert into lx.import_key (district, school, source_key, fact) select district, id, sha256('1'), pg_temp.id('fact in ' || code) from lx.unit where level = 3;
insert into lx.rollup (district, unit, programme, role, item) select district, id, 1, 1, '' from lx.unit where level >= 2;
insert into lx.rollup_day select '2021-07-01', r.* from lx.rollup r;
update lx.head set head = 5 where district > 0;

select plan(104);
create temp table expected as
  select a.account, u.id as stream, u.district from unnest(array['city', 'd1', 's1', 's2', 's3', 'w11', 'w12', 'expert', 'nobody']) a (account)
  join lx.unit u on u.level >= 2 and exists (
    select from (values ('city', 'C'), ('d1', 'D1'), ('s1', 'S1'), ('s2', 'S2'), ('s3', 'S3'), ('w11', 'S1-1'), ('w12', 'S1-2'), ('expert', 'D1')) g (acc, code)
    where g.acc = a.account and pg_temp.u(g.code) = any(u.path));
grant select on expected to lianxiao_api;

-- The settings as the server makes them from scope_of.
create function pg_temp.enter(p_account text) returns void language plpgsql as $$
declare
  v_districts int4[];
  v_streams uuid[];
begin
  select coalesce(array_agg(distinct s.district), '{}') into v_districts
  from lx.scope_of(pg_temp.p(p_account)) s join lx.scope_of(pg_temp.p(p_account)) g on g.row_kind = 1 and (g.level = 1 or (g.level = 2 and g.district = s.district))
  where s.row_kind = 2;
  select array_agg(s.id) into v_streams from lx.scope_of(pg_temp.p(p_account)) s where s.row_kind = 2 and (s.level = 1 or s.district <> all(v_districts));
  perform set_config('lianxiao.districts', v_districts::text, true), set_config('lianxiao.streams', v_streams::text, true), set_config('lianxiao.person', pg_temp.p(p_account)::text, true);
end $$;

create function pg_temp.seen(p_table text) returns setof uuid language plpgsql as $$
begin
  return query execute format('select distinct %I from lx.%I where district > 0', case when p_table like 'rollup%' then 'unit' else 'stream' end, p_table);
end $$;
grant execute on all functions in schema pg_temp to lianxiao_api;
create function pg_temp.check_all(p_account text) returns setof text language plpgsql as $$
declare
  v_table text;
begin
  perform pg_temp.enter(p_account);
  set local role lianxiao_api;
  foreach v_table in array array['head', 'fact', 'submission', 'person', 'membership', 'standing', 'left_stream', 'op_run', 'rollup', 'rollup_day'] loop
    return next set_eq(format('select pg_temp.seen(%L)', v_table), format('select stream from expected where account = %L', p_account), p_account || ' sees exactly his part of ' || v_table);
  end loop;
  return next is((select count(*) from pg_temp.pull('S1-1')), case when exists (select from expected where account = p_account and stream = (select id from lx.unit where code = 'S1-1')) then 5 else 0 end::int8,
                 p_account || ' pulls S1-1: ' || case when p_account in ('city', 'd1', 's1', 'w11', 'expert') then 'all' else 'nothing' end);
  reset role;
end $$;
select pg_temp.check_all(a) from unnest(array['city', 'd1', 's1', 's2', 's3', 'w11', 'w12', 'expert', 'nobody']) a;

-- after commit a setting is '', not null
select set_config('lianxiao.districts', '', true), set_config('lianxiao.streams', '', true) \g /dev/null
set local role lianxiao_api;
select is((select count(*) from lx.fact), 0::int8, 'no setting, no rows');
select is((select count(*) from lx.head), 0::int8, 'no setting, no heads');
select throws_ok('select count(*) from lx.account', '42501', null, 'workers cannot read accounts');
select throws_ok('select count(*) from lx.import_key', '42501', null, 'nor import keys');
select throws_ok($$ delete from lx.fact $$, '42501', null, 'nor delete facts');
reset role;
select finish();
rollback;
