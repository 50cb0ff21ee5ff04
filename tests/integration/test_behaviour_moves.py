"""Who sees what, and teachers who move: every replica is exactly its part of the city, and equal to a fresh start."""
import csv
import io

import lx
import pytest

import behaviour
from behaviour import (CHINESE, CITY, DISTRICT, FOREIGN_SCHOOL, FOREIGN_WORKSHOP, OTHER_WORKSHOP, SCHOOL, SECOND_SCHOOL,
                       SECOND_WORKSHOP, WORKSHOP, Teacher, bring, home_of, office, replica)

import office as protocol  # noqa: E402  (tests/interop, on the path since behaviour)
import peer  # noqa: E402

wire, ledger, statistics = peer.wire, peer.ledger, peer.statistics
PLACES = {"head": WORKSHOP, "school_admin": SCHOOL, "district_admin": DISTRICT, "city_admin": CITY}


def subtree(city, code: str) -> set[str]:
    """Codes of the unit and all below it, and the city's shared stream."""
    rows = city.cluster.sql(f"""with recursive below as (select id, code from unit where code = '{code}'
        union all select u.id, u.code from unit u join below b on u.parent = b.id) select code from below""")
    return {row[0] for row in rows} | {CITY}


def units(city) -> dict[str, bytes]:
    return {code: bytes.fromhex(raw) for raw, code in
            city.cluster.sql("select replace(id::text, '-', ''), code from unit")}


@pytest.fixture(scope="module", name="evidence")
def fixture_evidence(behaving, tmp_path_factory):
    """A teacher in each of four workshops with a record that says whose it is; workshop -> (teacher, record)."""
    folder, made = tmp_path_factory.mktemp("evidence"), {}
    for workshop in (WORKSHOP, OTHER_WORKSHOP, SECOND_WORKSHOP, FOREIGN_WORKSHOP):
        home, teacher = office(behaving, "school_admin", workshop.split("-")[0]), Teacher(workshop)
        bring(home, folder, [teacher])
        record = home.json("record", "add", "discussion", teacher.account, "--item", f"of {workshop}", "--at", "2021-09-01")
        home.run("sync")
        made[workshop] = teacher, record["id"]
    return made


@pytest.mark.parametrize("role", PLACES)
def test_a_replica_is_the_own_part_of_the_city(behaving, evidence, role):
    seen = subtree(behaving, PLACES[role])
    codes = {id_: code for code, id_ in units(behaving).items()}
    home = office(behaving, role, PLACES[role])
    assert {codes[stream] for stream in replica(home)} == seen
    exported = home.run("export").stdout.lstrip("\ufeff")
    records = {row["Id"] for row in csv.DictReader(io.StringIO(exported))}
    listed = {record["id"] for record in home.json("record", "list", "--limit", "100000")}
    for workshop, (teacher, record) in evidence.items():
        mine = workshop in seen
        assert (record in records) == (record in listed) == mine, f"{role} and the record of {workshop}"
        assert (f"of {workshop}" in exported) == (teacher.name in exported) == mine
        known = home.run("standing", teacher.account, check=False)
        assert (known.returncode == 0) == mine, known


def answers(connection, unit: bytes) -> dict[str, bytes]:
    """What the server says about a unit that the login must not see, for every method that names one."""
    fact = protocol.hours(unit, 100)
    requests = {
        "PULL": (ledger.PullRequest(stream=unit), ledger.PullReply),
        "SUBSCRIBE": (ledger.SubscribeRequest(streams=[unit]), ledger.SubscribeReply),
        "STATISTICS": (statistics.StatisticsRequest(programme=1, unit=unit, by=statistics.BY_UNIT), statistics.StatisticsReply),
        "STANDING": (statistics.StandingRequest(programme=1, subject=unit), statistics.StandingReply),
    }
    said = {}
    for method, (request, reply) in requests.items():
        with pytest.raises(peer.ServerError) as caught:
            connection.call(method, request, reply)
        said[method] = caught.value.error.SerializeToString()
    answer = connection.push(unit, 1, [fact])
    assert answer.verdict == ledger.GROUP_REFUSED and answer.stream == unit
    answer.ClearField("stream")
    said["PUSH"] = answer.SerializeToString()
    return said


@pytest.mark.parametrize("role", ["head", "school_admin", "district_admin"])
def test_what_is_foreign_looks_like_what_does_not_exist(behaving, evidence, tmp_path, role):
    seen = subtree(behaving, PLACES[role])
    with protocol.login(behaving, tmp_path, role, PLACES[role]) as connection:
        nowhere = answers(connection, peer.uuid7())
        foreign = {code: id_ for code, id_ in units(behaving).items() if code not in seen}
        assert FOREIGN_WORKSHOP in foreign
        for code, id_ in foreign.items():
            assert answers(connection, id_) == nowhere, f"{role} learns that {code} exists"
        person = bytes.fromhex(behaving.cluster.sql(
            f"select replace(id::text, '-', '') from person where account = '{evidence[FOREIGN_WORKSHOP][0].account}'")[0][0])
        assert answers(connection, person) == nowhere, f"{role} learns that a foreign person exists"


# ---- moves ----


def holds(home: lx.Home, teacher: Teacher) -> bool:
    """Is anything of the teacher in the home?"""
    found = home.run("record", "list", teacher.account, check=False)
    assert found.returncode in (0, 4), found.stderr
    return found.returncode == 0


def record_hours(home: lx.Home, teacher: Teacher, day: str) -> str:
    return home.json("record", "add", "credit_hours", teacher.account, "--item", "school", "--quantity", "6", "--at", day)["id"]


def certify(home: lx.Home, teacher: Teacher) -> str:
    return home.json("record", "add", "certification", teacher.account, "--item", "A1", "--quantity", "3", "--at", "2021-11-08")["id"]


def standing(home: lx.Home, teacher: Teacher) -> tuple:
    shown = home.json("standing", teacher.account)
    return shown["state"], shown["points"], shown["total"]


def credits(city, code: str) -> int:
    rows = city.cluster.sql(f"select r.credits from rollup r join unit u on u.id = r.unit where u.code = '{code}' "
                            "and r.role = 1 and r.item = ''")
    return int(rows[0][0]) if rows else 0


def move_is_whole(city, tmp_path, teacher: Teacher, to: str, mover: lx.Home, old: tuple, new: tuple):
    """Moves the teacher; `old` and `new` are (account, unit, home) of the offices he leaves and comes to."""
    old_home, new_home = old[2], new[2]
    kept = [record_hours(old_home, teacher, "2021-09-0%d" % day) for day in (1, 2, 3)] + [certify(old_home, teacher)]
    old_home.run("sync")
    behaviour.figures_are_through(city)
    mover.run("sync")
    old_home.run("sync")
    before = standing(mover, teacher)
    left, came, city_before = credits(city, teacher.workshop), credits(city, to), credits(city, CITY)
    assert holds(old_home, teacher) and not holds(new_home, teacher)
    # The old office records once more, away from the server, before it can know of the move.
    late = record_hours(old_home, teacher, "2021-09-20")
    assert float(standing(old_home, teacher)[1]) >= 0
    teacher.workshop = to
    bring(mover, tmp_path, [teacher])
    sent = old_home.run("sync")
    assert "Sent 1, refused 0" in sent.stdout, "good faith: it is taken, and arrives where he is now"
    new_home.run("sync")
    assert not holds(old_home, teacher) and behaviour.waits_here(old_home) == 0
    records = {record["id"] for record in new_home.json("record", "list", teacher.account)}
    assert records == {*kept, late}
    entry = old_home.json("outbox", "--all")[-1]
    assert entry["state"] == "stored", "what the old office wrote it can still look up"
    behaviour.figures_are_through(city)
    for home in (mover, old_home, new_home):
        home.run("sync")
    assert standing(mover, teacher)[:2] == standing(new_home, teacher)[:2]
    assert standing(new_home, teacher)[0] == before[0] and float(standing(new_home, teacher)[1]) >= float(before[1])
    assert (credits(city, to) - came, left - credits(city, teacher_left(old))) == (300, 300), "the credits went along"
    assert credits(city, CITY) == city_before
    for name, unit, home in (old, new):
        fresh = home_of(city, name, unit)
        assert replica(fresh) == replica(home) and behaviour.digests(fresh) == behaviour.digests(home)
        assert holds(fresh, teacher) == (home is new_home)


def teacher_left(old: tuple) -> str:
    return old[1] if "-" in old[1] else WORKSHOP


def seat(city, role: str, unit: str) -> tuple:
    name = behaviour.account(city, role, unit)
    return name, unit, home_of(city, name, unit)


def test_a_teacher_moves_to_another_workshop(behaving, tmp_path):
    school = office(behaving, "school_admin", SCHOOL)
    teacher = Teacher(WORKSHOP)
    bring(school, tmp_path, [teacher])
    move_is_whole(behaving, tmp_path, teacher, OTHER_WORKSHOP, school, seat(behaving, "head", WORKSHOP),
                  seat(behaving, "head", OTHER_WORKSHOP))


def test_a_teacher_moves_to_another_school(behaving, tmp_path):
    district = office(behaving, "district_admin", DISTRICT)
    teacher = Teacher(WORKSHOP)
    bring(office(behaving, "school_admin", SCHOOL), tmp_path, [teacher])
    old, new = seat(behaving, "school_admin", SCHOOL), seat(behaving, "school_admin", SECOND_SCHOOL)
    district.run("sync")
    move_is_whole(behaving, tmp_path, teacher, SECOND_WORKSHOP, district, old, new)
    # The school he came to can go on; the one he left cannot, and is told why.
    record_hours(new[2], teacher, "2021-10-08")
    assert new[2].json("sync")["refused"] == 0
    gone = old[2].run("record", "add", "credit_hours", teacher.account, "--item", "school", "--quantity", "1", check=False,
                      lang=CHINESE)
    assert gone.returncode == 4 and teacher.account in gone.stderr, gone.stderr


def test_a_school_cannot_take_a_teacher_away_from_another(behaving, tmp_path):
    """Only who is over both schools may move somebody."""
    owner, taker = office(behaving, "school_admin", SCHOOL), office(behaving, "school_admin", SECOND_SCHOOL)
    teacher = Teacher(WORKSHOP)
    bring(owner, tmp_path, [teacher])
    teacher.workshop = SECOND_WORKSHOP
    told = taker.json("roster", "import", behaviour.write_csv(tmp_path / "taken.csv", [teacher.row()]), "--apply", check=False)
    taker.run("sync", check=False)
    assert holds(owner, teacher), told
    homes = behaving.cluster.sql(f"select u.code from person p join unit u on u.id = p.stream where p.account = '{teacher.account}'")
    assert homes == [[WORKSHOP]], "he is where he was, and there once"
    refused = taker.run("outbox", lang=CHINESE).stdout
    assert "被拒绝" in refused or "受阻" in refused, refused


def test_who_moves_twice_without_the_server_arrives_at_the_last_place(behaving, tmp_path):
    """Each end names the version that the beginning before it will have made, and goes before the next beginning."""
    home = office(behaving, "school_admin", SCHOOL)
    teacher = Teacher(WORKSHOP)
    bring(home, tmp_path, [teacher])
    for workshop in (OTHER_WORKSHOP, WORKSHOP, OTHER_WORKSHOP):
        teacher.workshop = workshop
        told = home.json("roster", "import", behaviour.write_csv(tmp_path / "roster.csv", [teacher.row()]), "--apply")
        assert told["counts"]["moved"] == 1 and told["counts"]["bad"] == 0, told
    assert home.json("sync")["refused"] == 0
    places = behaving.cluster.sql(f"""select u.code, m.version, m.until_at is null from membership m join unit u on u.id = m.unit
        join person p on p.id = m.person where p.account = '{teacher.account}' order by m.from_at""")
    assert places == [[WORKSHOP, "2", "f"], [OTHER_WORKSHOP, "2", "f"], [WORKSHOP, "2", "f"], [OTHER_WORKSHOP, "1", "t"]]
