"""The assessor against a real database: facts in, standings, roll-ups and watermark out; rebuilt and compared.

The process is lx_assessor_main, which is the server's assessor without the server. Facts and roster are put into
the ledger as the database's functions would, by SQL.
"""
import concurrent.futures
import random
import signal
import subprocess
import time

import pytest

import lx
from conftest import SCHEME, UNITS

MAIN = lx.BUILD / "tests/unit/server/assessor/lx_assessor_main"
INTERVAL, DISCUSSION, ATTENDANCE, HOURS, SELF_TEST, SUBMITTED, ACCEPTED, GRADE = range(1, 9)
RANGE, VOID = 11, 14

# Rows are addressed like those of push() and push_roster(): next seq of the stream, digest of the head.
HELPERS = """
create schema t;
create function t.u(p_code text) returns uuid language sql as 'select id from lx.unit where code = p_code';
create function t.id(p text) returns uuid language sql immutable as 'select md5(p)::uuid';
create function t.fact(p_id text, p_subject uuid, p_kind int, p_at timestamptz, p_item text default null, p_until timestamptz default null,
                       p_quantity int8 default null, p_of text default null) returns void language plpgsql as $$
declare v_stream uuid; v_district int;
begin
  select coalesce(p.stream, u.id), coalesce(p.district, u.district) into v_stream, v_district
  from (select p_subject as id) s left join lx.person p on p.id = s.id left join lx.unit u on u.id = s.id;
  insert into lx.fact (seq, occurred_at, until_at, quantity, received_at, district, programme, kind, flags, stream, id, subject, of_id, actor, item)
  values (lx.head_add(v_district, v_stream, 1, lx.row_digest(t.id(p_id), 1)), p_at, p_until, p_quantity, clock_timestamp(), v_district, 1, p_kind, 0,
          v_stream, t.id(p_id), p_subject, t.id(p_of), t.id('actor'), p_item);
end $$;
create function t.person(p_name text, p_unit text, p_role int default 1) returns void language plpgsql as $$
declare v_stream constant uuid := t.u(p_unit); v_district int;
begin
  select district into v_district from lx.unit where id = v_stream;
  insert into lx.person (district, stream, seq, id, certificate, in_post, established, name)
  values (v_district, v_stream, lx.head_add(v_district, v_stream, 1, lx.row_digest(t.id(p_name), 1)), t.id(p_name), true, true, true, p_name);
  perform t.member(p_name, p_unit, p_role);
end $$;
create function t.member(p_name text, p_unit text, p_role int) returns void language plpgsql as $$
declare v_stream constant uuid := t.u(p_unit); v_district int; v_id constant uuid := t.id(p_name || p_unit || p_role);
begin
  select district into v_district from lx.unit where id = v_stream;
  insert into lx.membership (district, stream, seq, id, person, unit, programme, role, from_at, guest)
  select v_district, p.stream, lx.head_add(v_district, p.stream, 1, lx.row_digest(v_id, 1)), v_id, p.id, v_stream, 1, p_role, '2021-05-01', p_role <> 1
  from lx.person p where p.id = t.id(p_name);
  perform lx.roster_changed(v_district, array[v_stream], array[t.id(p_name)], array[v_stream]);
end $$;
"""


class City:
    def __init__(self, database: lx.Deployment):
        self.database = database
        self.sql = database.cluster.sql
        self.dsn = f"{database.cluster.dsn} user=lianxiao_assessor"
        self.process = None
        database.ctl("unit", "import", UNITS)
        database.ctl("programme", "start", SCHEME)
        self.sql(HELPERS)

    def start(self):
        log = open(self.database.folder / "assessor.log", "ab")
        self.process = subprocess.Popen([MAIN, "run", self.dsn], stderr=log)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(20)
        self.process = None
        return code

    def log(self):
        return (self.database.folder / "assessor.log").read_text(encoding="utf-8")[-3000:]

    def drained(self):
        """Waits until everything that is in the ledger now is in the figures."""
        now = self.sql("select clock_timestamp()")[0][0]
        lx.wait_until(lambda: self.sql(
            f"select bool_and(coalesce(complete_through > '{now}', false) and to_rescore = 0) from district_state")[0][0] == "t",
                      60, f"the watermark; {self.log()}")

    def verify(self):
        return lx.run([MAIN, "verify", self.dsn], check=False)

    def assert_sound(self):
        result = self.verify()
        assert result.returncode == 0, result.stdout + result.stderr

    def standings(self):
        return {row[0]: row[1:] for row in self.sql("select subject, state, points, total, encode(sha256(receipt), 'hex') from standing")}

    def rollups(self):
        return self.sql("select unit, role, item, subjects, open, passed, failed, exempt, points, started, done, late, missed, online_hours,"
                        " school_hours, credits from rollup where (subjects, started, done, exempt) is distinct from (0, 0, 0, 0) order by 1, 2, 3")

    def rollup(self, unit, column, item="", role=1):
        rows = self.sql(f"select {column} from rollup where unit = t.u('{unit}') and role = {role} and item = '{item}'")
        return int(rows[0][0]) if rows else 0


@pytest.fixture(scope="module")
def shared_town():
    with lx.Deployment() as database:
        yield City(database)


@pytest.fixture
def town(shared_town):
    """Units and programme only; its people and facts are gone before the next test."""
    yield shared_town
    if shared_town.process is not None:
        shared_town.stop(signal.SIGKILL)
    shared_town.sql("truncate fact, submission, person, membership, standing, left_stream, rollup, rollup_day, todo, stream_cursor;"
                    " update head set head = 0, live = 0, digest = 0 where district > 0;"
                    " update district_state set complete_through = null, day = null, to_rescore = 0")


@pytest.fixture
def own_town(database):
    """For tests that change units or the scheme."""
    city = City(database)
    yield city
    if city.process is not None:
        city.stop(signal.SIGKILL)


def people(city, per_workshop=3):
    """Teachers in the workshops of district 1, a head each, a school's administrator."""
    for workshop in ("3401030001-01", "3401030001-02", "3401030002-01"):
        city.sql("select " + ", ".join(f"t.person('{workshop}/{i}', '{workshop}')" for i in range(per_workshop)))
        city.sql(f"select t.member('{workshop}/0', '{workshop}', 2)")
    city.sql("select t.person('admin', '3401030001'), t.member('admin', '3401030001', 3)")
    return [f"{w}/{i}" for w in ("3401030001-01", "3401030001-02", "3401030002-01") for i in range(per_workshop)]


def evidence(names):
    """Calls of t.fact, each of which may be made at any time."""
    calls = []
    for n, name in enumerate(names):
        who = f"t.id('{name}')"
        calls.append(f"t.fact('{name}-self', {who}, {SELF_TEST}, '2021-07-01 09:00+08')")
        for k in range(n % 4 + 1):
            calls.append(f"t.fact('{name}-w{k}', {who}, {INTERVAL}, '2021-07-0{k + 1} 10:00+08', 'p0{k + 1}', '2021-07-0{k + 1} 13:20+08')")
        calls.append(f"t.fact('{name}-d', {who}, {DISCUSSION}, '2021-07-05 09:00+08', 'topic')")
        calls.append(f"t.fact('{name}-h', {who}, {HOURS}, '2021-08-01 09:00+08', 'school', null, 3000)")
        if n % 2:
            calls.append(f"t.fact('{name}-void', {who}, {VOID}, '2021-08-02 09:00+08', p_of => '{name}-d')")
    calls.append(f"t.fact('disc', t.u('3401030001'), {DISCUSSION}, '2021-09-01 09:00+08', 'organised')")
    return calls


def test_facts_become_figures(town):
    names = people(town)
    town.start()
    town.drained()
    assert town.rollup("3401030001-01", "subjects") == 3
    assert town.rollup("3401030001", "subjects") == 7
    assert town.rollup("340103", "subjects") == 10
    assert town.rollup("340103", "points") == 0
    town.assert_sound()

    town.sql("select " + ", ".join(evidence(names)))
    town.drained()
    assert town.rollup("340103", "done", "t.self_test") == 9
    assert town.rollup("3401030001-01", "points") > 3000
    assert town.rollup("3401030001", "points") == sum(town.rollup(w, "points") for w in ("3401030001-01", "3401030001-02"))
    assert town.rollup("340103", "points", role=3) == 500, "the school organised one discussion"
    assert [row for row in town.sql("select count(*), count(receipt) from standing where role = 1")] == [["10", "10"]]
    town.assert_sound()
    # A standing is a row of its stream like any other: heads stay gapless and their digests right.
    assert town.sql("""
      select h.stream from head h
      join lateral (select count(*) as n, bit_xor(row_digest(r.id, r.version)) as digest from (
        select id, 1::int8 as version from fact where stream = h.stream union all select id, version from person where stream = h.stream
        union all select id, version from membership where stream = h.stream union all select id, version from standing where stream = h.stream) r) r on true
      where h.district > 0 and (h.live <> r.n or h.digest <> coalesce(r.digest, 0) ) and h.stream not in (select id from unit where level = 2)""") == []


def test_watermark_moves_without_work(town):
    town.start()
    town.drained()
    town.drained()
    assert town.stop() == 0


def test_order_repeats_and_restarts_change_nothing(town):
    names = people(town)
    calls = evidence(names)
    town.start()
    for call in calls:
        town.sql("select " + call)
    town.drained()
    town.stop()
    town.assert_sound()
    first = (town.standings(), town.rollups())
    # Everything again from the ledger: subjects in any order, each many times, in both lanes.
    shuffled = random.Random(7)
    town.sql("truncate standing, rollup, rollup_day, stream_cursor, todo")
    subjects = [row[0] for row in town.sql("select id from person")] * 3
    shuffled.shuffle(subjects)
    for subject in subjects:
        town.sql(f"insert into todo (district, subject, level, lane) values (1, '{subject}', 5, {shuffled.choice((1, 2))})")
    for unit, level, district in town.sql("select id, level, district from unit where level > 2"):
        town.sql(f"insert into todo (district, subject, level, lane) values ({district}, '{unit}', {level}, {shuffled.choice((1, 2))})")
    town.start()
    town.drained()
    assert town.rollups() == first[1]
    assert town.standings() == first[0], "receipts byte for byte"
    town.assert_sound()


def test_killed_in_the_middle_nothing_is_lost_or_doubled(town):
    names = people(town, per_workshop=25)
    chance = random.Random(3)
    for kill in range(20):
        # Work for everybody, so that the moment of the kill lies in it: watching, or the void of what was watched.
        town.sql("select " + ", ".join(
            f"t.fact('{name}-k{kill}', t.id('{name}'), {INTERVAL}, '2021-07-{kill + 1:02} 10:00+08', 'p01', '2021-07-{kill + 1:02} 10:40+08')"
            if chance.random() < 0.7 or kill == 0 else
            f"t.fact('{name}-v{kill}', t.id('{name}'), {VOID}, '2021-08-01 10:00+08', p_of => '{name}-k{chance.randrange(kill)}')"
            for name in names))
        town.start()
        lx.wait_until(lambda: town.sql("""
            select 1 where exists (select from pg_stat_activity where usename = 'lianxiao_assessor' and xact_start is not null)
              or not exists (select from head h left join stream_cursor c using (district, stream) where h.head > coalesce(c.seq, 0))"""), 20, "a round")
        time.sleep(chance.random() * 0.1)
        town.stop(signal.SIGKILL)
        lx.wait_until(lambda: not town.sql("select 1 from pg_stat_activity where usename = 'lianxiao_assessor'"), 20, "its connection's end")
    town.start()
    town.drained()
    town.assert_sound()
    killed = town.rollups()
    town.stop()
    # A city that nobody killed has the same figures.
    town.sql("truncate standing, rollup, stream_cursor, todo")
    town.sql("select rescore_all()")
    town.start()
    town.drained()
    assert town.rollups() == killed
    town.assert_sound()


FEED = """do $$ begin
  while not exists (select from t.enough) loop
    insert into lx.todo (district, subject, level, lane) select 1, gen_random_uuid(), 5, 1 from generate_series(1, 1200)
    where (select count(*) from lx.todo where lane = 1) < 1200;
    commit;
    perform pg_sleep(0.002);
  end loop;
end $$"""


def test_units_have_their_turn_while_people_keep_waiting(town):
    names = people(town)
    town.start()
    town.drained()
    scored = "select count(*), sum(s.version) from standing s join unit u on u.id = s.subject"
    [before] = town.sql(scored)
    town.sql("create table t.enough ()")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        feeding = pool.submit(lx.run, [lx.ROOT / "deploy/cluster", "psql", town.database.cluster.folder, "-c", FEED])
        try:
            lx.wait_until(lambda: town.sql("select 1 from todo having count(*) >= 1200"), 20, "a list longer than a round")
            town.sql(f"select t.fact('{names[0]}-turn', t.id('{names[0]}'), {INTERVAL}, '2021-07-01 10:00+08', 'p01', '2021-07-01 10:40+08')")
            lx.wait_until(lambda: town.sql(scored) != [before], 60, "a unit's standing")
        finally:
            town.sql("insert into t.enough default values")
            feeding.result(60)
    town.drained()


def test_a_range_concerns_the_whole_school(town):
    names = people(town)
    town.start()
    for name in names:
        town.sql(f"select t.fact('{name}-a', t.id('{name}'), {INTERVAL}, '2021-07-01 10:00+08', 'A1', '2021-07-01 12:00+08')")
    town.drained()
    before = town.rollup("3401030001", "online_hours")
    town.sql(f"select t.fact('range', t.u('3401030001'), {RANGE}, '2021-06-02 09:00+08', 'A1')")
    town.drained()
    assert town.rollup("3401030001", "online_hours") > before
    assert town.rollup("3401030002", "online_hours") == 0
    town.sql(f"select t.fact('unrange', t.u('3401030001'), {VOID}, '2021-06-03 09:00+08', p_of => 'range')")
    town.drained()
    assert town.rollup("3401030001", "online_hours") == before
    town.assert_sound()


def test_a_day_on_which_a_stage_ends_concerns_all(town):
    names = people(town)
    town.sql("select " + ", ".join(evidence(names)))
    town.start()
    town.drained()
    town.stop()
    snapshots = int(town.sql("select count(*) from rollup_day")[0][0])
    # As if the district had slept since the first stage: everybody is scored again, and nothing changes but the day.
    before = town.rollups()
    town.sql("update district_state set day = '2021-06-01' where district = 1")
    town.sql("update standing set as_of = '2021-06-01', receipt = '\\x00' where district = 1")
    town.start()
    town.drained()
    assert town.sql("select count(*) from standing where district = 1 and length(receipt) < 10") == [["0"]]
    assert town.rollups() == before
    assert int(town.sql("select count(*) from rollup_day")[0][0]) >= snapshots
    # A day without a date in it touches nobody.
    town.stop()
    town.sql("update district_state set day = day - 1 where district = 1")
    town.sql("update standing set receipt = '\\x00' where district = 1")
    town.start()
    town.drained()
    assert town.sql("select bool_and(length(receipt) = 1) from standing where district = 1") == [["t"]]
    assert town.sql("select count(*) > 0 from rollup_day where district = 1 and day = (select day from district_state where district = 1)") == [["t"]]


def test_a_new_scheme_rescores_everybody(own_town, tmp_path):
    town = own_town
    names = people(town)
    town.sql("select " + ", ".join(evidence(names)))
    town.start()
    town.drained()
    assert town.rollup("340103", "points", "t.self_test") == 9000
    poorer = tmp_path / "scheme.yaml"
    text = SCHEME.read_text(encoding="utf-8").replace("\nversion: 1\n", "\nversion: 2\n")
    rule = text.index("- code: t.self_test")
    at = text.index("points: 10", rule)
    text = text[:at] + "points: 8" + text[at + len("points: 10"):]
    poorer.write_text(text.replace("total: 70", "total: 68", 1), encoding="utf-8")
    town.database.ctl("scheme", "load", poorer)
    town.drained()
    assert town.rollup("340103", "points", "t.self_test") == 7200
    assert town.sql("select distinct scheme_version from standing") == [["2"]]
    assert town.sql("select distinct scheme_version from district_state") == [["2"]]
    town.assert_sound()


def test_new_units_and_lead_schools_are_scored(own_town, tmp_path):
    town = own_town
    people(town)
    town.start()
    town.drained()
    assert town.rollup("3401030001", "subjects", "l.share", role=3) == 0
    more = UNITS.read_text(encoding="utf-8").replace("computers=40;bandwidth_mbit=200", "computers=40;lead_school=true")
    (tmp_path / "units.csv").write_text(more + "3401030001-03,英语工作坊,workshop,3401030001,1,,\n", encoding="utf-8")
    assert "1 added, 1 changed" in town.database.ctl("unit", "import", tmp_path / "units.csv").stdout
    town.drained()
    assert town.rollup("3401030001", "subjects", role=2) == 3
    assert town.rollup("3401030001", "subjects", "l.share", role=3) == 1
    town.assert_sound()


def test_a_move_takes_the_figures_along(town):
    people(town)
    town.start()
    town.sql(f"select t.fact('s', t.id('3401030001-01/1'), {SELF_TEST}, '2021-07-01 09:00+08')")
    town.drained()
    assert town.rollup("3401030001", "done", "t.self_test") == 1
    town.sql("""begin; set search_path = lx;
      select 1 from head where stream in (t.u('3401030001-01'), t.u('3401030002-01')) order by stream for update;
      update membership set until_at = now() - interval '1 day' where person = t.id('3401030001-01/1');
      select lx.move_subject(1, t.id('3401030001-01/1'), t.u('3401030001-01'), t.u('3401030002-01'));
      select t.member('3401030001-01/1', '3401030002-01', 1);
      commit;""")
    town.drained()
    assert town.rollup("3401030001", "done", "t.self_test") == 0
    assert town.rollup("3401030002", "done", "t.self_test") == 1
    assert town.rollup("3401030001", "subjects") == 6
    assert town.rollup("3401030002-01", "subjects") == 4
    assert town.rollup("340103", "subjects") == 10
    town.assert_sound()


def test_verify_finds_what_is_wrong(town):
    names = people(town)
    town.sql("select " + ", ".join(evidence(names)))
    town.start()
    town.drained()
    town.stop()
    town.assert_sound()
    for damage, repair in (
        ("update rollup set points = points + 1 where item = '' and unit = t.u('340103') and role = 1",
         "update rollup set points = points - 1 where item = '' and unit = t.u('340103') and role = 1"),
        ("update standing set points = points + 100 where subject = t.id('3401030001-01/0')",
         "update standing set points = points - 100 where subject = t.id('3401030001-01/0')"),
        ("update standing set receipt = receipt || '\\x00' where subject = t.u('3401030001')", None),
    ):
        town.sql(damage)
        result = town.verify()
        assert result.returncode == 1 and "wrong 1" in result.stdout, damage + result.stdout
        if repair:
            town.sql(repair)
            town.assert_sound()

