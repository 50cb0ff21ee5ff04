-- A small city for the tests, inside the caller's transaction: 2 districts, 3 schools (S1, S2 in district 1, S3 in district 2), 2 workshops each (S1-1 …).
-- People with accounts (acc.NAME) hold one grant each: city, d1, s1, s2, s3, w11 (head of S1-1), w12, expert (district 1), nobody (none).
-- pg_temp.u(code) = unit id, pg_temp.p(account) = person id, pg_temp.dev(n) = device, pg_temp.id(text) = a made-up id.
set client_min_messages = warning;
select count(*) from lx.unit_import('test',
  '{}', array[null, 'C', 'C', 'D1', 'D1', 'D2', 'S1', 'S1', 'S2', 'S2', 'S3', 'S3'], array[1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4],
  array['C', 'D1', 'D2', 'S1', 'S2', 'S3', 'S1-1', 'S1-2', 'S2-1', 'S2-2', 'S3-1', 'S3-2'],
  array['City', 'District 1', 'District 2', 'School 1', 'School 2', 'School 3', 'W11', 'W12', 'W21', 'W22', 'W31', 'W32'],
  array[0, 1, 2, null, null, null, null, null, null, null, null, null]::int4[], '{}', '{}') \g /dev/null
select lx.programme_start('test', null, 1, 'hefei-2021', 1, '\x0801') \g /dev/null

create function pg_temp.u(p_code text) returns uuid language sql as $$ select id from lx.unit where code = p_code $$;
create function pg_temp.id(p_text text) returns uuid language sql as $$ select md5(p_text)::uuid $$;
create function pg_temp.dev(p_n int4) returns bytea language sql as $$ select sha256(('device ' || p_n)::bytea) $$;
create function pg_temp.p(p_account text) returns uuid language sql as $$ select pg_temp.id('person ' || p_account) $$;

insert into lx.device (device, unit, certificate_until, label) select pg_temp.dev(n), pg_temp.u('S1'), now() + interval '2 years', 'd' from generate_series(1, 9) n;
insert into lx.account (person, account, name, password_hash)
select pg_temp.p(a), 'acc.' || a, 'Name of ' || a, 'hash' from unnest(array['city', 'd1', 's1', 's2', 's3', 'w11', 'w12', 'expert', 'nobody']) a;
insert into lx.role_grant (id, person, unit, role, from_at)
select pg_temp.id('grant ' || a), pg_temp.p(a), pg_temp.u(c), r, now() - interval '100 days'
from (values ('city', 'C', 5), ('d1', 'D1', 4), ('s1', 'S1', 3), ('s2', 'S2', 3), ('s3', 'S3', 3), ('w11', 'S1-1', 2), ('w12', 'S1-2', 2), ('expert', 'D1', 6)) g (a, c, r);

-- One group of facts of one sender for one stream: every fact its own operation, item = its place. Optional: target stream, roster version, slow path.
create function pg_temp.push(
  p_account text, p_device int4, p_unit text, p_op_from int8, p_ids uuid[], p_subject uuid,
  p_target text default null, p_needs int4 default 2, p_roster int8 default null, p_slow bool default false, p_keys bytea[] default '{}',
  p_item text default 'x', p_scope int8 default 9000000000000, p_kind int4 default 1, p_quantity int8 default 100
) returns table (verdict int4, op_to int8, head int8, stored int4, flags int4, answer bytea)
language plpgsql as $$
declare
  v_unit lx.unit;
  v_target lx.unit;
  n constant int4 := cardinality(p_ids);
  v_same bool;
begin
  select * into v_unit from lx.unit where code = p_unit;
  select * into v_target from lx.unit where code = coalesce(p_target, p_unit);
  v_same := v_unit.id = v_target.id;
  return query
  select r.verdict, r.op_to, r.head, r.stored, r.flags, r.answer from lx.push(
    array[pg_temp.dev(p_device)], array[pg_temp.p(p_account)], array[v_unit.district], array[v_unit.id], array[p_op_from],
    array[(select string_agg(substring(sha256(uuid_send(i) || p_item::bytea) from 1 for 16), ''::bytea order by o) from unnest(p_ids) with ordinality x (i, o))],
    array[p_scope], array[0], array[''::bytea],
    case when v_same then array[1] else array[1, 1] end,
    case when v_same then array[v_unit.id] else array[v_unit.id, v_target.id] end,
    case when v_same then array[p_needs] else array[1, p_needs] end,
    array(select coalesce(p_roster, h.roster_version) from unnest(case when v_same then array[v_unit.id] else array[v_unit.id, v_target.id] end) with ordinality t (s, o)
          join lx.head h on h.district = v_unit.district and h.stream = t.s order by o),
    case when v_same then array[n] else array[0, n] end,
    case when v_same then array[(select bit_xor(lx.row_digest(i, 1)) from unnest(p_ids) i)] else array[0, (select bit_xor(lx.row_digest(i, 1)) from unnest(p_ids) i)] end,
    array_fill(case when v_same then 1 else 2 end, array[n]), array(select generate_series(1, n)), p_ids, array_fill(1, array[n]), array_fill(p_kind, array[n]),
    array_fill(p_subject, array[n]), array_fill(p_item, array[n]), array_fill('2021-07-01T00:00:00Z'::timestamptz, array[n]), '{}', array_fill(p_quantity, array[n]), '{}', '{}',
    p_keys, array(select generate_series(p_op_from, p_op_from + n - 1)), '{}', '{}', now(), p_slow, '\x0807') r;
end $$;

-- One roster row as a group of its own: a person, or a membership.
create function pg_temp.roster(
  p_account text, p_device int4, p_unit text, p_op int8, p_what int4, p_id uuid, p_seen int8, p_name text default null, p_teacher_no text default null,
  p_member uuid default null, p_in text default null, p_role int4 default null, p_from timestamptz default null, p_until timestamptz default null,
  p_guest bool default false, p_join uuid default null, p_slow bool default false
) returns table (row_no int4, verdict int4, version int8, op_to int8, head int8, answer bytea)
language sql as $$
  select r.row_no, r.verdict, r.version, r.op_to, r.head, r.answer from lx.unit u cross join lateral lx.push_roster(
    pg_temp.dev(p_device), pg_temp.p(p_account), u.district, u.id, p_op, substring(sha256(int8send(p_op) || uuid_send(p_id)) from 1 for 16), 9000000000000, 0, '', now(),
    array['', '\x0802', '\x0803', '\x0804', '\x0805', '\x0806', '\x0807', '\x0808', '\x0809', '\x080a', '\x080b', '\x080c', '\x080d', '\x080e', '\x080f', '\x0810']::bytea[],
    array[p_op], array[p_what], array[p_id], array[p_seen], array[p_name], array[p_teacher_no], '{}', array[true], array[true], array[true], array[true], array[1980], '{}',
    array[p_member], array[1], array[pg_temp.u(p_in)], array[p_role], array[p_from], array[p_until], array[p_guest], array[p_join], p_slow) r
  where u.code = p_unit
$$;

-- The ledger's promise for one stream: seqs 1..head each in at most one row, live count and digest equal a recount.
create function pg_temp.sound(p_unit text) returns bool language sql as $$
  with h as (select h.* from lx.unit u join lx.head h on h.district = u.district and h.stream = u.id where u.code = p_unit),
  r as (
    select seq, id, 1::int8 as version from lx.fact where stream = pg_temp.u(p_unit)
    union all select seq, id, version from lx.person where stream = pg_temp.u(p_unit)
    union all select seq, id, version from lx.membership where stream = pg_temp.u(p_unit)
    union all select seq, id, version from lx.standing where stream = pg_temp.u(p_unit)
    union all select seq, id, version from lx.transit where stream = pg_temp.u(p_unit) and ended_at is null
    union all select seq, id, version from lx.unit where p_unit = 'C'
    union all select seq, id, version from lx.programme where p_unit = 'C')
  select h.live = (select count(*) from r) and h.digest = (select coalesce(bit_xor(lx.row_digest(id, version)), 0) from r)
         and (select count(distinct seq) = count(*) and coalesce(max(seq), 0) <= h.head and coalesce(min(seq), 1) >= 1
              from (select seq from r union all select seq from lx.left_stream where stream = pg_temp.u(p_unit)
                    union all select seq from lx.transit where stream = pg_temp.u(p_unit) and ended_at is not null) s)
  from h
$$;

-- sql/queries/pull.sql, so that tests run the statement that the server prepares. Also works after `set role lianxiao_api`.
\set pull `cat "$LX_ROOT/sql/queries/pull.sql"`
select set_config('lianxiao.test_pull', :'pull', true) \g /dev/null
create function pg_temp.pull(p_unit text, p_cursor int8 default 0, p_limit int4 default 1000, p_began int8 default null)
returns table (head int8, live int8, digest int8, kind int4, seq int8, id uuid, version int8, subject uuid, snapshot bool)
language plpgsql as $$
begin
  return query execute 'select head, live, digest, kind, seq, id, version, subject, snapshot from (' || current_setting('lianxiao.test_pull') || ') q'
    using (select u.district from lx.unit u where u.code = p_unit), (select u.id from lx.unit u where u.code = p_unit), p_cursor, p_limit, p_began;
end $$;

-- What a replica holds after it has applied rows in order: (id, version) of live rows, given what it held before.
create function pg_temp.replica(p_unit text) returns table (id uuid, version int8)
language sql as $$
  select r.id, r.version from pg_temp.pull(p_unit) r
  where r.kind < 7 and not exists (select from pg_temp.pull(p_unit) l where l.kind = 7 and l.subject = r.subject and l.seq > r.seq)
$$;
