"""Schools that go to another district and workshops that go to another school: real clients of all sides with full outboxes,
a tool that is killed at any moment, figures that never count anybody twice."""
import os
import random
import signal
import subprocess
import threading
import time

import behaviour
import lx
import pytest
from behaviour import (CITY, DISTRICT, OTHER_DISTRICT, SCHOOL, SECOND_SCHOOL, WORKSHOP, Teacher, bring, figures_are_through, home_of,
                       replica)
from lx import wait_until

UNKNOWN = 4
REFUSED_BY_TOOL = 1


def record(home, teacher: Teacher, item: str) -> str:
    return home.json("record", "add", "discussion", teacher.account, "--item", item, "--at", "2021-09-01")["id"]


def listed(home, teacher: Teacher) -> set:
    return {entry["id"] for entry in home.json("record", "list", teacher.account)}


def teachers_of(city, code: str) -> int:
    rows = city.cluster.sql(f"select r.subjects from rollup r join unit u on u.id = r.unit and u.district = r.district"
                            f" where u.code = '{code}' and r.role = 1 and r.item = ''")
    return int(rows[0][0]) if rows else 0


def sound(city) -> None:
    """Figures equal a rebuild, and the audit's chains of both districts verify."""
    assert city.ctl("verify", "--wait", "60").returncode == 0
    assert "\n0 findings" in city.ctl("audit", "verify", "--key", city.tls / "audit.pub").stdout


class Offices:
    """An office of each level around the school, with a home, and what a fresh start of it would hold."""

    def __init__(self, city):
        self.city, self.seats = city, {}
        for name, role, unit in (("old", "district_admin", DISTRICT), ("new", "district_admin", OTHER_DISTRICT),
                                 ("school", "school_admin", SCHOOL), ("second", "school_admin", SECOND_SCHOOL),
                                 ("head", "head", WORKSHOP), ("city", "city_admin", CITY)):
            account = behaviour.account(city, role, unit)
            self.seats[name] = account, unit, home_of(city, account, unit)

    def __getattr__(self, name: str):
        return self.seats[name][2]

    def sync(self) -> None:
        """Everybody sends, then everybody has what the others sent."""
        for home in 2 * [home for _, _, home in self.seats.values()]:
            assert home.json("sync")["refused"] == 0
            assert home.json("outbox") == []

    def equal_fresh_starts(self) -> None:
        self.sync()
        for account, unit, home in self.seats.values():
            fresh = home_of(self.city, account, unit)
            assert replica(fresh) == replica(home) and behaviour.digests(fresh) == behaviour.digests(home), unit


def home_of_quietly(city, name: str, unit: str):
    return city.home().enrol(unit).login(name, behaviour.PASSWORD)


class Watch:
    """Reads the city's figures over and over: nobody counts twice, and who counts nowhere is under way or about to be added."""
    QUERY = f"""select (select coalesce(sum(r.subjects), 0) from rollup r join unit u on u.id = r.unit and u.district = r.district
                        where u.level = 2 and r.role = 1 and r.item = ''),
                       exists (select from unit_move where ended_at is null) or exists (select from todo)"""

    def __init__(self, city, total: int):
        self.city, self.total, self.wrong, self.looks, self.over = city, total, [], 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self) -> None:
        while not self.over.is_set():
            count, excused = self.city.cluster.sql(self.QUERY)[0]
            self.looks += 1
            if int(count) > self.total or (int(count) < self.total and excused != "t"):
                self.wrong.append((count, excused))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        assert self.looks > 3 and not self.wrong, self.wrong


@pytest.fixture(name="offices")
def fixture_offices(deployment):
    return Offices(deployment)


def test_a_school_goes_to_another_district(deployment, offices, tmp_path):
    here, there = Teacher(WORKSHOP), Teacher(SECOND_SCHOOL + "-01")
    bring(offices.school, tmp_path, [here])
    bring(offices.second, tmp_path, [there])
    kept = {record(offices.school, here, f"number {i}") for i in range(5)}
    offices.sync()
    figures_are_through(deployment)
    offices.sync()
    before = offices.head.json("standing", here.account)

    # two full outboxes, written before anybody hears of a move
    kept |= {record(offices.school, here, f"offline {i}") for i in range(3)} | {record(offices.head, here, f"at hand {i}") for i in range(3)}
    with Watch(deployment, 2):
        told = deployment.ctl("unit", "move", SCHOOL, "--to", OTHER_DISTRICT)
        figures_are_through(deployment)
    assert f"{SCHOOL} is under {OTHER_DISTRICT}" in told.stdout, told
    assert (teachers_of(deployment, DISTRICT), teachers_of(deployment, OTHER_DISTRICT), teachers_of(deployment, WORKSHOP)) == (1, 1, 1)
    assert "already" in deployment.ctl("unit", "move", SCHOOL, "--to", OTHER_DISTRICT).stdout, "the same again does nothing"

    # the outboxes go on under their keys; the school works as before
    for home in (offices.school, offices.head):
        told = home.json("sync")
        assert (told["sent"], told["refused"]) == (3, 0), told
    offices.sync()
    assert listed(offices.school, here) == listed(offices.head, here) == kept
    assert listed(offices.new, here) == kept, "the new district has everything"
    assert offices.old.run("record", "list", here.account, check=False).returncode == UNKNOWN, "the old one nothing any more"
    assert len(listed(offices.old, there)) == 0 and offices.new.run("record", "list", there.account, check=False).returncode == UNKNOWN
    later = record(offices.school, here, "later")
    offices.sync()
    assert later in listed(offices.new, here)
    figures_are_through(deployment)
    offices.equal_fresh_starts()
    assert offices.head.json("standing", here.account)["state"] == before["state"]
    sound(deployment)

    # units.csv says the old parent: told by row, nothing changed
    wrong = deployment.ctl("unit", "import", behaviour.lx.ROOT / "tests/integration/units.csv", check=False)
    assert wrong.returncode == REFUSED_BY_TOOL and f"unit move {SCHOOL} --to {DISTRICT}" in wrong.stderr, wrong


def test_what_keeps_a_school_out_is_named_and_it_can_come_back(deployment, offices, tmp_path):
    here = Teacher(WORKSHOP)
    bring(offices.school, tmp_path, [here])
    kept = {record(offices.school, here, "kept")}
    offices.sync()
    twin = Teacher("3401040001-01")
    twin.account = here.account                 # the same account in the other district
    other = behaviour.office(deployment, "school_admin", "3401040001")
    bring(other, tmp_path, [twin])
    figures_are_through(deployment)

    told = deployment.ctl("unit", "move", SCHOOL, "--to", OTHER_DISTRICT, check=False)
    assert told.returncode == REFUSED_BY_TOOL and "account" in told.stderr and "--back" in told.stderr, told
    assert SCHOOL in deployment.ctl("unit", "moves").stdout and "in transit" in deployment.ctl("unit", "moves").stdout
    assert (teachers_of(deployment, DISTRICT), teachers_of(deployment, OTHER_DISTRICT)) == (0, 1), "it counts nowhere"
    sound(deployment)

    # the school goes on writing; nothing is lost, it is told to wait
    kept.add(record(offices.school, here, "meanwhile"))
    waiting = offices.school.run("sync", check=False, lang=behaviour.CHINESE)
    assert (waiting.returncode, len(offices.school.json("outbox"))) == (behaviour.PARTLY, 1), waiting
    assert "正在转往其他区县" in waiting.stdout + offices.school.run("outbox", lang=behaviour.CHINESE).stdout
    fresh = home_of_quietly(deployment, *offices.seats["school"][:2])
    told = fresh.run("sync", check=False, lang=behaviour.CHINESE)
    assert told.returncode == behaviour.PARTLY and "3 个单位正在转往其他区县" in told.stdout, "who has nothing yet does not wait for ever"
    assert deployment.ctl("unit", "move", SCHOOL, "--back").returncode == 0
    assert deployment.ctl("unit", "moves").stdout == ""
    figures_are_through(deployment)
    offices.sync()
    assert listed(offices.school, here) == listed(offices.old, here) == kept
    assert (teachers_of(deployment, DISTRICT), teachers_of(deployment, OTHER_DISTRICT)) == (1, 1)
    assert deployment.ctl("unit", "move", SCHOOL, "--back", check=False).returncode == REFUSED_BY_TOOL
    offices.equal_fresh_starts()
    sound(deployment)


def test_the_tool_is_killed_at_any_moment(deployment, offices, tmp_path):
    """Back and forth between districts while clients work, every call killed at least once; the assessor, too."""
    chance = random.Random(7)
    here = Teacher(WORKSHOP)
    bring(offices.school, tmp_path, [here])
    offices.sync()
    figures_are_through(deployment)
    kept, over = set(), threading.Event()

    def work(home, name):
        while not over.is_set():
            kept.add(record(home, here, f"{name} {len(kept)}"))
            home.run("sync", check=False)

    workers = [threading.Thread(target=work, args=(home, name)) for home, name in ((offices.school, "s"), (offices.head, "h"))]
    with Watch(deployment, 1):
        for thread in workers:
            thread.start()
        for to in (OTHER_DISTRICT, DISTRICT, OTHER_DISTRICT):
            for _ in range(4):
                tool = subprocess.Popen([lx.BUILD / "server/ctl/lianxiaoctl", "unit", "move", SCHOOL, "--to", to], stdout=subprocess.DEVNULL,
                                        env={**os.environ, "LIANXIAO_DSN": deployment.cluster.dsn})
                time.sleep(chance.uniform(0, 0.15))
                tool.send_signal(signal.SIGKILL)
                tool.wait()
            for process in deployment.server.children("assessor"):
                os.kill(process, signal.SIGKILL)
            assert deployment.ctl("unit", "move", SCHOOL, "--to", to).returncode == 0
        over.set()
        for thread in workers:
            thread.join()
        figures_are_through(deployment)

    def drained():
        offices.school.run("sync", check=False)
        offices.head.run("sync", check=False)
        return not offices.school.json("outbox") and not offices.head.json("outbox")
    wait_until(drained, 60, "the outboxes are empty")
    figures_are_through(deployment)
    offices.sync()
    assert listed(offices.new, here) == listed(offices.school, here) == kept and len(kept) > 4, "nothing is lost"
    facts = deployment.cluster.sql("select count(*), count(distinct id) from fact")[0]
    assert facts[0] == facts[1] == str(len(kept)), "or doubled"
    offices.equal_fresh_starts()
    sound(deployment)


def test_a_workshop_goes_to_another_school(deployment, offices, tmp_path):
    here = Teacher(WORKSHOP)
    bring(offices.school, tmp_path, [here])
    export = behaviour.courses(tmp_path, "export.csv", [("r1", here, "A1", "2021-09-02 08:00:00", "2021-09-02 09:00:00")])
    offices.school.run("record", "import", export)
    offices.sync()
    figures_are_through(deployment)
    offline = record(offices.head, here, "offline")
    assert f"{WORKSHOP} is under {SECOND_SCHOOL}" in deployment.ctl("unit", "move", WORKSHOP, "--to", SECOND_SCHOOL).stdout
    offices.sync()
    figures_are_through(deployment)
    assert (teachers_of(deployment, SCHOOL), teachers_of(deployment, SECOND_SCHOOL), teachers_of(deployment, DISTRICT)) == (0, 1, 1)
    assert offices.school.run("record", "list", here.account, check=False).returncode == UNKNOWN
    count = len(listed(offices.second, here))
    assert offline in listed(offices.second, here)
    offices.second.run("record", "import", export)
    offices.sync()
    assert len(listed(offices.second, here)) == count, "the same export finds what it brought to the other school"
    offices.equal_fresh_starts()
    sound(deployment)


def test_a_school_goes_into_another(deployment, offices, tmp_path):
    direct, grouped = Teacher(SCHOOL), Teacher(WORKSHOP)
    rows = [{**direct.row(), "工作坊": ""}, grouped.row()]
    told = offices.school.json("roster", "import", behaviour.write_csv(tmp_path / "roster.csv", rows), "--apply")
    assert told["counts"]["new"] == 2, told
    kept = {teacher: {record(offices.school, teacher, "before")} for teacher in (direct, grouped)}
    offices.sync()
    figures_are_through(deployment)
    for teacher in kept:
        kept[teacher].add(record(offices.school, teacher, "offline"))
    refused = deployment.ctl("unit", "close", SCHOOL, check=False)
    assert refused.returncode == REFUSED_BY_TOOL and "merge" in refused.stderr, refused
    assert "is closed" in deployment.ctl("unit", "merge", SCHOOL, "--into", SECOND_SCHOOL).stdout
    assert "already" in deployment.ctl("unit", "merge", SCHOOL, "--into", SECOND_SCHOOL).stdout
    offices.sync()
    for teacher in kept:
        assert listed(offices.second, teacher) == listed(offices.old, teacher) == kept[teacher], "with what was still to be sent"
    assert offices.school.run("record", "list", direct.account, check=False).returncode == UNKNOWN
    figures_are_through(deployment)
    assert (teachers_of(deployment, SCHOOL), teachers_of(deployment, SECOND_SCHOOL), teachers_of(deployment, DISTRICT)) == (0, 2, 2)
    assert offices.old.json("standing", SCHOOL)["computed"] == "server", "its last standing stays"
    told = offices.old.json("roster", "import", behaviour.write_csv(tmp_path / "late.csv", [{**Teacher(SCHOOL).row(), "工作坊": ""}]), "--apply")
    assert told["counts"]["new"] == 1, told
    offices.old.run("sync", check=False)
    assert "已关闭" in offices.old.run("outbox", lang=behaviour.CHINESE).stdout, "nobody joins a closed school"
    for entry in offices.old.json("outbox"):
        offices.old.run("outbox", "drop", str(entry["id"]))
    offices.equal_fresh_starts()
    sound(deployment)
