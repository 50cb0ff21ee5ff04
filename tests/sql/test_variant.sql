-- The database without its layer of permission (variants/server_only.sql) lets through what it otherwise stops: so the tests of the server's layer test that one.
begin;
\ir fixture.sql
select plan(6);
\set try 'select verdict from pg_temp.push(\'w12\', 1, \'S1-1\', 1, array[pg_temp.id(\'f\')], pg_temp.id(\'t\'))'
select is((:try), 6, 'with the layer: a sibling''s push is out of scope');
select is((select count(*) from lx.roster_of(pg_temp.p('s2'), pg_temp.u('S1'))), 0::int8, 'and no roster');
select set_config('lianxiao.streams', '{}', true), set_config('lianxiao.districts', '{}', true) \g /dev/null
set local role lianxiao_api;
select is((select count(*) from lx.head), 0::int8, 'and no heads');
reset role;
\ir variants/server_only.sql
select is((:try), 1, 'without: stored');
select cmp_ok((select count(*) from lx.roster_of(pg_temp.p('s2'), pg_temp.u('S1'))), '>', 0::int8, 'a roster');
set local role lianxiao_api;
select cmp_ok((select count(*) from lx.head), '>', 0::int8, 'all heads');
reset role;
select finish();
rollback;
