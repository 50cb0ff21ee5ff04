#!/bin/bash
# Several writers push piles over the same streams in any order, with repeats and rollbacks, while a mover moves a person with facts between two of them
# and a reader follows one stream by its cursor and an assessor writes standings. Nothing may deadlock, no seq may be missing or come late, heads must equal a recount. Prints TAP.
set -euo pipefail
writers=4
rounds=${LX_ROUNDS:-150}
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sql >/dev/null <<'SQL'
\getenv root LX_ROOT
\set fixture :root '/tests/sql/fixture.sql'
\i :fixture
create schema race;
create table race.stream as select row_number() over (order by code) as n, id from lx.unit where district = 1 and level = 4;
create table race.seen (seq int8 primary key, id uuid);
insert into lx.device (device, unit, certificate_until, label) select sha256(('w' || n)::bytea), (select id from lx.unit where code = 'S1'), now() + interval '1 y', '' from generate_series(1, 9) n;
-- one pile: three groups of five facts for three streams in any order, by the district's administrator, who has all capabilities needed
create function race.pile(p_writer int4) returns int4[] language plpgsql as $$
declare
  v_streams uuid[] := array(select id from race.stream order by random() limit 3);
  v_ops int8[] := array(select coalesce((select max(op_to) from lx.op_run r where r.stream = s and r.device = sha256(('w' || p_writer)::bytea)), 0) + 1 from unnest(v_streams) s);
  v_ids uuid[] := array(select gen_random_uuid() from generate_series(1, 15));
  v_hashes bytea[];
  v_roster int8[] := array(select h.roster_version from unnest(v_streams) with ordinality s (id, o) join lx.head h on h.stream = s.id order by o);
begin
  v_hashes := array(select (select string_agg(substring(sha256(uuid_send(v_ids[(g - 1) * 5 + i])) for 16), ''::bytea order by i) from generate_series(1, 5) i) from generate_series(1, 3) g);
  return array(select r.verdict from lx.push(
    array_fill(sha256(('w' || p_writer)::bytea), array[3]), array_fill(md5('person d1')::uuid, array[3]), array[1, 1, 1], v_streams, v_ops, v_hashes, array[0, 0, 0]::int8[],
    array[0, 0, 0], array['', '', '']::bytea[], array[1, 2, 3], v_streams, array[64, 64, 64], v_roster, array[5, 5, 5],
    array(select bit_xor(lx.row_digest(v_ids[(g - 1) * 5 + i], 1)) from generate_series(1, 3) g, generate_series(1, 5) i group by g order by g),
    array(select g from generate_series(1, 3) g, generate_series(1, 5) i order by g, i), array(select i from generate_series(1, 3) g, generate_series(1, 5) i order by g, i),
    v_ids, array_fill(1, array[15]), array_fill(1, array[15]), array_fill(md5('mover')::uuid, array[15]), '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', now(), false, '') r
    order by r.group_no);
end $$;
create function race.move(p_op int8) returns int4 language plpgsql as $$
declare
  v_to text := case when p_op % 2 = 0 then 'S1-1' else 'S1-2' end;
begin
  return (select r.verdict from lx.unit u cross join lateral lx.push_roster(sha256('w9'), md5('person d1')::uuid, 1, u.id, p_op, substring(sha256(int8send(p_op)) for 16), 0, 0, '', now(), '{}',
    array[p_op], array[2], array[md5('membership')::uuid], array[p_op - 1], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
    array[md5('mover')::uuid], array[1], array[(select id from lx.unit where code = v_to)], array[1], array['2021-05-01'::timestamptz], '{}', array[false], '{}') r where u.code = 'D1' and r.row_no = 1);
end $$;
create function race.assess(p_round int4) returns void language plpgsql as $$
declare
  v_subjects uuid[];
  v_streams uuid[];
  n int4;
begin
  if not (select taken from lx.district_take(1)) then
    return;
  end if;
  perform lx.streams_advance(1, 100);
  v_subjects := array(select t.subject from lx.todo_take(1, 1, 50) t union select id from race.stream);
  v_streams := array(select coalesce(p.stream, u.id) from unnest(v_subjects) with ordinality s (id, no) left join lx.person p on p.id = s.id left join lx.unit u on u.id = s.id
                     order by s.no);
  n := cardinality(v_subjects);
  perform lx.standing_put(1, '2021-07-01', array(select md5('standing ' || s)::uuid from unnest(v_subjects) s), v_streams, v_subjects, array_fill(1, array[n]), array_fill(1, array[n]),
                          array_fill(1, array[n]), array_fill(p_round::int8, array[n]), array_fill(100::int8, array[n]), array_fill(1, array[n]), array_fill('\x01'::bytea, array[n]), '{}');
  perform lx.district_put(1, clock_timestamp(), 1, 0, null);
end $$;
insert into lx.person (district, stream, seq, id, name) select 1, u.id, lx.head_add(1, u.id, 1, lx.row_digest(md5('mover')::uuid, 1)), md5('mover')::uuid, 'M' from lx.unit u where code = 'S1-2';
SQL

for w in $(seq $writers); do
    sql -c "do \$\$ declare v int4[]; begin for i in 1 .. $rounds loop
              v := race.pile($w);
              if i % 10 = 0 then rollback; else commit; end if;
              if v && array[3, 4, 6, 7, 8] then raise exception 'verdicts %', v; end if;
            end loop; end \$\$" >"$work/writer$w" 2>&1 &
    pids[$w]=$!
done
sql -c "do \$\$ begin for i in 1 .. $((rounds / 5)) loop
          if race.move(i) is distinct from 1 then raise exception 'move % failed', i; end if;
          commit;
        end loop; end \$\$" >"$work/mover" 2>&1 &
mover=$!
sql -c "do \$\$ begin for i in 1 .. $rounds loop
          perform race.assess(i);
          commit;
        end loop; end \$\$" >"$work/assessor" 2>&1 &
assessor=$!
touch "$work/go"
(
    while :; do
        last=0
        [ -e "$work/go" ] || last=1
        sql -c "do \$\$ begin for i in 1 .. 20 loop
                  insert into race.seen select f.seq, f.id from lx.fact f where f.stream = (select id from race.stream where n = 3)
                    and f.seq > coalesce((select max(seq) from race.seen), 0) order by f.seq;
                  commit;
                end loop; end \$\$"
        [ $last = 0 ] || break
    done
) >"$work/reader" 2>&1 &
reader=$!

n=0
check() { # what, value, expected
    n=$((n + 1))
    if [ "$2" = "$3" ]; then echo "ok $n - $1"; else echo "not ok $n - $1: $2, not $3"; fi
}
echo 1..11
for w in $(seq $writers); do
    wait "${pids[$w]}" && result=done || result=$(tail -2 "$work/writer$w" | tr '\n' ' ')
    check "writer $w" "$result" done
done
wait $mover && result=done || result=$(tail -2 "$work/mover" | tr '\n' ' ')
check mover "$result" done
wait $assessor && result=done || result=$(head -3 "$work/assessor" | tr '\n' ' ')
check assessor "$result" done
rm "$work/go"
wait $reader && result=done || result=$(tail -2 "$work/reader" | tr '\n' ' ')
check reader "$result" done
check "heads equal a recount" "$(sql -c "select count(*) from race.stream s join lx.head h on h.stream = s.id
  cross join lateral (select count(*) as n, coalesce(bit_xor(lx.row_digest(id, version)), 0) as digest from (
    select id, 1::int8 as version from lx.fact where stream = s.id union all select id, version from lx.person where stream = s.id
    union all select id, version from lx.membership where stream = s.id union all select id, version from lx.standing where stream = s.id) r) c where (h.live, h.digest) is distinct from (c.n, c.digest)")" 0
check "no seq is missing where nothing moved" "$(sql -c "select count(*) from race.stream s join lx.head h on h.stream = s.id
  where s.n >= 3 and h.head <> (select count(*) from lx.fact f where f.stream = s.id) + (select sum(t.version) from lx.standing t where t.stream = s.id)")" 0
check "the reader skipped nothing" "$(sql -c "select count(*) from lx.fact f where f.stream = (select id from race.stream where n = 3)
  and not exists (select from race.seen s where s.seq = f.seq and s.id = f.id)")" 0
check "every operation is there once" "$(sql -c "select count(*) from (select stream, device, sum(op_to - op_from + 1) as n, max(op_to) as last from lx.op_run where device <> sha256('w9') group by 1, 2) r
  where n <> last")" 0
