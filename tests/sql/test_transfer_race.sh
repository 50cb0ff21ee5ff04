#!/bin/bash
# A person travels to another district and back, again and again, while two writers push facts about him wherever he is, the news are carried, and both sides
# sometimes want him at once. Nothing may deadlock; he is in one place or under way; each fact that was stored is there once, with him; heads equal a recount.
# In a database of its own. Prints TAP.
set -euo pipefail
rounds=${LX_ROUNDS:-40}
# The loops below wait for each other; functions are made in any order, as lianxiaoctl does.
export PGDATABASE=lianxiao_travel PGOPTIONS="${PGOPTIONS:-} -c statement_timeout=240s -c check_function_bodies=off"
createdb -T template0 "$PGDATABASE"
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in "$LX_ROOT"/sql/migrations/*.sql "$LX_ROOT"/sql/functions/*.sql; do sql --single-transaction -f "$file" >/dev/null; done

sql >/dev/null <<'SQL'
\getenv root LX_ROOT
\set fixture :root '/tests/sql/fixture.sql'
\i :fixture
create schema race;
create table race.stored (id uuid primary key);
create table race.trip (n int4 primary key, transfer uuid);
-- one roster row of the city's administrator, device by kind of work; returns the row's verdict, or the group's
create function race.row(p_device text, p_unit uuid, p_what int4, p_id uuid, p_seen int8, p_in uuid, p_join uuid) returns int4 language plpgsql as $$
declare
  v_op int8 := coalesce((select max(op_to) from lx.op_run where stream = p_unit and device = sha256(p_device::bytea)), 0) + 1;
begin
  return (select max(r.verdict) filter (where r.row_no = 1 or r.verdict <> 1) from lx.unit u cross join lateral lx.push_roster(
    sha256(p_device::bytea), md5('person city')::uuid, u.district, u.id, v_op, substring(sha256(uuid_send(p_id) || int8send(v_op)) for 16), 0, 0, '', now(), '{}',
    array[v_op], array[p_what], array[p_id], array[p_seen], array['T'], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
    array[md5('traveller')::uuid], array[1], array[p_in], array[1], array[clock_timestamp()], '{}', array[false], array[p_join]) r where u.id = p_unit);
end $$;
create function race.tell(p_device text) returns void language plpgsql as $$
declare
  v record;
  v_id uuid := gen_random_uuid();
  v_op int8;
begin
  select p.district, p.stream, h.roster_version into v from lx.person p join lx.head h using (district, stream) where p.id = md5('traveller')::uuid;
  if not found then
    return;
  end if;
  v_op := coalesce((select max(op_to) from lx.op_run r where r.stream = v.stream and r.device = sha256(p_device::bytea)), 0) + 1;
  insert into race.stored
  select v_id from lx.push(array[sha256(p_device::bytea)], array[md5('person city')::uuid], array[v.district], array[v.stream], array[v_op], array[substring(sha256(uuid_send(v_id)) for 16)],
    array[0]::int8[], array[0], array['']::bytea[], array[1], array[v.stream], array[1], array[v.roster_version], array[1], array[lx.row_digest(v_id, 1)], array[1], array[1], array[v_id],
    array[1], array[1], array[md5('traveller')::uuid], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', now(), false, '', array[substring(sha256(uuid_send(v_id)) for 16)]) r
  where r.verdict = 1;
end $$;
insert into lx.device (device, unit, certificate_until, label)
select sha256(d::bytea), (select id from lx.unit where code = 'C'), now() + interval '1 y', '' from unnest(array['out', 'in1', 'in2', 'tell1', 'tell2']) d;
select race.row('out', id, 1, md5('traveller')::uuid, 0, null, null), race.row('out', id, 2, gen_random_uuid(), 0, id, null) from lx.unit where code = 'S1-1';
SQL

for w in 1 2; do
    sql -c "do \$\$ begin while not exists (select from race.trip where n = $rounds) loop perform race.tell('tell$w'); commit; end loop; end \$\$" >"$work/teller$w" 2>&1 &
    tellers[$w]=$!
done
# takes in whoever is under way: the first side by a workshop of district 1, the second of district 2
for side in 1 2; do
    sql -c "do \$\$ declare v uuid; u uuid := (select id from lx.unit where code = case $side when 1 then 'S1-2' else 'S3-1' end); begin
      while not exists (select from race.trip where n = $rounds) or exists (select from lx.transit_package where body is not null) loop
        perform lx.transit_carry();
        commit;
        select t.transfer into v from lx.transit t where t.district = $side and t.ended_at is null;
        if found then perform race.row('in$side', u, 4, v, 0, u, gen_random_uuid()); end if;
        commit;
      end loop; end \$\$" >"$work/taker$side" 2>&1 &
    takers[$side]=$!
done
sql -c "do \$\$ declare p record; v uuid; begin
  for i in 1 .. $rounds loop
    loop
      select s.stream, s.version, s.district into p from lx.person s where s.id = md5('traveller')::uuid;
      exit when found;
      commit;
    end loop;
    v := lx.uuid7();
    if race.row('out', p.stream, 3, v, p.version, (select id from lx.unit where level = 2 and district = 3 - p.district), null) <> 1 then raise exception 'not sent'; end if;
    insert into race.trip values (i, v);
    commit;
  end loop; end \$\$" >"$work/sender" 2>&1 && sender=done || sender=$(tail -2 "$work/sender" | tr '\n' ' ')

n=0
check() { # what, value, expected
    n=$((n + 1))
    if [ "$2" = "$3" ]; then echo "ok $n - $1"; else echo "not ok $n - $1: $2, not $3"; fi
}
echo 1..9
check "sent out $rounds times" "$sender" done
for w in 1 2; do
    wait "${tellers[$w]}" && result=done || result=$(tail -2 "$work/teller$w" | tr '\n' ' ')
    check "teller $w" "$result" done
done
for side in 1 2; do
    wait "${takers[$side]}" && result=done || result=$(tail -2 "$work/taker$side" | tr '\n' ' ')
    check "taker $side" "$result" done
done
check "he is in one place" "$(sql -c "select count(*) from lx.person where id = md5('traveller')::uuid")" 1
check "every fact that was stored is with him, once, and no other" "$(sql -c "select count(*) from race.stored s full join lx.fact f on f.id = s.id left join lx.person p on p.district = f.district and p.stream = f.stream
  where s.id is null or f.id is null or p.id is distinct from md5('traveller')::uuid")" 0
check "something was told" "$(sql -c "select count(*) > 0 from race.stored")" t
check "heads equal a recount" "$(sql -c "select count(*) from lx.head h cross join lateral (select count(*) as n, coalesce(bit_xor(lx.row_digest(id, version)), 0) as digest from (
    select id, 1::int8 as version from lx.fact where stream = h.stream union all select id, version from lx.person where stream = h.stream
    union all select id, version from lx.membership where stream = h.stream union all select id, version from lx.transit where stream = h.stream and ended_at is null) r) c
  where h.district > 0 and (h.live, h.digest) is distinct from (c.n, c.digest)")" 0
