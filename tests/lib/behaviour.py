"""What the tests of behaviour (tests/integration/test_behaviour_*.py) share: offices with homes, files, replicas.

People and accounts get numbers that no other test uses, so all these tests can share one city.
"""
import csv
import itertools
import sqlite3
import sys
from pathlib import Path

import lx

sys.path.insert(0, str(lx.ROOT / "tests/interop"))

CITY, DISTRICT, OTHER_DISTRICT = "340100", "340103", "340104"
SCHOOL, WORKSHOP, OTHER_WORKSHOP = "3401030001", "3401030001-01", "3401030001-02"
SECOND_SCHOOL, SECOND_WORKSHOP = "3401030002", "3401030002-01"
FOREIGN_SCHOOL, FOREIGN_WORKSHOP = "3401040001", "3401040001-01"
PASSWORD = "right-horse-7"
DONE, REFUSED, BUSY, PARTLY = 0, 3, 7, 8
CHINESE = "zh_CN.UTF-8"
NUMBERS = itertools.count(1)
REPLICA = 1  # layer of a home's rows that came from the server (client/store/schema.c)


def account(city: lx.Deployment, role: str, unit: str) -> str:
    name = f"behaves.{role.replace('_', '.')}.{next(NUMBERS)}"
    city.user(name, role, unit, PASSWORD)
    return name


def home_of(city: lx.Deployment, name: str, unit: str) -> lx.Home:
    """A fresh device of an account, synced."""
    home = city.home().enrol(unit).login(name, PASSWORD)
    home.run("sync")
    return home


def office(city: lx.Deployment, role: str, unit: str) -> lx.Home:
    return home_of(city, account(city, role, unit), unit)


def write_csv(path: Path, rows: list[dict]) -> Path:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


class Teacher:
    """A row of a roster file, and the words by which evidence finds it."""

    def __init__(self, workshop: str):
        number = next(NUMBERS)
        self.name, self.account, self.workshop = f"研修{number}号", f"behaves{number}", workshop

    def row(self) -> dict:
        return {"学校": self.workshop.split("-")[0], "工作坊": self.workshop, "姓名": self.name, "平台账号": self.account,
                "教师资格证": "是", "在岗": "是", "在编": "是"}


def bring(home: lx.Home, folder: Path, teachers: list[Teacher]) -> None:
    """Brings the teachers' places up to date by a roster file, to the server."""
    told = home.json("roster", "import", write_csv(folder / "roster.csv", [t.row() for t in teachers]), "--apply")
    assert told["counts"]["bad"] == 0, told
    assert home.json("sync")["refused"] == 0


def courses(folder: Path, name: str, rows: list[tuple]) -> Path:
    """A platform's export; a row is (record id, teacher, course, start, end)."""
    return write_csv(folder / name, [{"记录号": record, "平台账号": teacher.account, "姓名": teacher.name, "课程": course,
                                      "开始时间": start, "结束时间": end} for record, teacher, course, start, end in rows])


def replica(home: lx.Home) -> dict:
    """stream -> {(record id, version)} of what the server gave the home, and that each stream is proved whole."""
    with sqlite3.connect(f"file:{home.folder}/lianxiao.db?mode=ro", uri=True) as db:
        streams = {stream: (whole, count, digest) for stream, whole, count, digest in
                   db.execute("select stream, whole, live_count, digest from stream")}
        rows: dict = {stream: set() for stream in streams}
        for stream, record, version in db.execute("select stream, id, version from row where layer = ?", (REPLICA,)):
            rows[stream].add((record, version))
    for stream, (whole, count, _) in streams.items():
        assert whole and count == len(rows[stream]), stream.hex()
    return rows


def digests(home: lx.Home) -> dict:
    with sqlite3.connect(f"file:{home.folder}/lianxiao.db?mode=ro", uri=True) as db:
        return dict(db.execute("select stream, digest from stream"))


def waits_here(home: lx.Home) -> int:
    """Rows that only this home knows."""
    with sqlite3.connect(f"file:{home.folder}/lianxiao.db?mode=ro", uri=True) as db:
        return db.execute("select count(*) from row where layer <> ?", (REPLICA,)).fetchone()[0]


def figures_are_through(city: lx.Deployment, seconds: float = 20) -> None:
    """Until everything that is in the ledger now is in the figures."""
    now = city.cluster.sql("select clock_timestamp()")[0][0]
    lx.wait_until(lambda: city.cluster.sql(
        f"select bool_and(complete_through > '{now}' and to_rescore = 0) from district_state")[0][0] == "t",
        seconds, "the figures contain everything")


def facts_about(city: lx.Deployment, teacher: Teacher, kind: int) -> list[list[str]]:
    """(id, stream's code) of the teacher's facts of a kind that no void takes back."""
    return city.cluster.sql(
        f"""select f.id, u.code from fact f join person p on p.id = f.subject join unit u on u.id = f.stream
            where p.account = '{teacher.account}' and f.kind = {kind}
            and not exists (select 1 from fact v where v.kind = 14 and v.of_id = f.id) order by f.id""")
