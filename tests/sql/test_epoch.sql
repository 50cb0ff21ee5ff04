-- Epochs: what makes a new one, what does not, when it opens.
begin;
\ir fixture.sql
select plan(19);
create function pg_temp.epoch() returns bytea language sql as $$ select db_epoch from lx.epoch $$;
create temp table before as select db_epoch from lx.epoch;
grant select on before to lianxiao_api;

select is((select system_identifier from lx.epoch), null, 'a new database has not looked where it is');
select is((select is_open from lx.epoch_check(null, null)), true, 'it is open');
select is((select (system_identifier, timeline, database_oid)::text from lx.epoch), (select i::text from lx.epoch_identity() i), 'and knows now');
select is(pg_temp.epoch(), (select db_epoch from before), 'that alone is no new epoch');
set local role lianxiao_api;
select is((select db_epoch from lx.epoch_check(null, null)), (select db_epoch from before), 'nor is a second look, by a worker');
reset role;

update lx.epoch set timeline = timeline + 1; -- as it was before a restore
select is((select is_open from lx.epoch_check(null, null)), false, 'another timeline: closed');
select isnt(pg_temp.epoch(), (select db_epoch from before), 'and a new epoch');
select is((select array_agg(detail->>'why') from lx.audit where action = 'epoch' and target = encode(pg_temp.epoch(), 'hex')), array['another cluster, timeline or database'], 'audited');
create temp table second as select db_epoch from lx.epoch;
select is((select db_epoch from lx.epoch_check(null, null)), (select db_epoch from second), 'once');
select is((select is_open from lx.epoch_check(1000000, sha256('x'))), false, 'a journal that is ahead does not open it');
select is((select is_open from lx.epoch_check((select no from lx.security_head), sha256('x'))), false, 'nor one with another last event');
select is((select is_open from lx.epoch_check((select no from lx.security_head), (select hash from lx.security_head))), true, 'the journal that ends like the database does');
select is((select verdict from lx.epoch_accept('op')), 2, 'there is nothing to accept then');

select is((select is_open from lx.epoch_check((select no + 1 from lx.security_head), sha256('x'))), false, 'a journal that knows more: an old copy, closed');
select isnt(pg_temp.epoch(), (select db_epoch from second), 'and a new epoch');
set local role lianxiao_ops;
select is((select verdict from lx.epoch_accept('op')), 1, 'an operator opens it all the same');
reset role;
select is((select count(*) from lx.audit where action = 'epoch_accept' and operator = 'op'), 1::int8, 'audited');
select is((select is_open from lx.epoch_check(null, null)), true, 'open');
select is((select count(*) from lx.epoch), 1::int8, 'one row');
select finish();
rollback;
