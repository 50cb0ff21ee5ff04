"""Restore drills: a city that is backed up, works on, and is restored to moments of its past.

Homes are real clients. What each had acknowledged is noted with the moment, so that after a restore to any moment it is
known what the database must hold, and what only the homes can bring back.
"""
import itertools
import random
import shutil
import time
from pathlib import Path

import lx

PASSWORD = "correct-horse-1"
SCHOOLS = ["3401030001", "3401040001"]


class Drill:
    """A city with an archive. It has one cluster at a time, always in the same place."""

    def __init__(self, city: lx.Deployment, rng: random.Random):
        self.city = city
        self.rng = rng
        self.numbers = itertools.count(1)
        self.archive = city.folder / "archive"
        self.kept = city.folder / "archive-kept"
        self.acknowledged: set[str] = set()
        self.moments: list[tuple[str, frozenset]] = []  # time, what was acknowledged before it
        self.homes = [self.member(f"school{n}", code) for n, code in enumerate(SCHOOLS, 1)]
        self.base = ""

    def member(self, account: str, school: str) -> lx.Home:
        self.city.user(account, "school_admin", school, PASSWORD)
        home = self.city.home().enrol(school).login(account, PASSWORD)
        home.school = school
        home.run("sync")
        return home

    def record(self, count: int) -> None:
        for home in self.homes:
            items = [f"k{next(self.numbers)}" for _ in range(count)]
            for item in items:
                home.run("record", "add", "discussion", home.school, "--item", item, "--at", "2021-07-01")
            home.run("sync")
            self.acknowledged.update(items)

    def now(self) -> str:
        return self.city.cluster.sql("select clock_timestamp()")[0][0]

    def note_moment(self) -> None:
        self.moments.append((self.now(), frozenset(self.acknowledged)))
        time.sleep(0.01)  # the next commit bears a later time

    def back_up(self) -> None:
        self.base = lx.run([lx.ROOT / "deploy/backup", self.city.cluster.folder, self.city.folder / "backups"]).stdout.strip()

    def close_archive(self) -> None:
        """What was written so far is in the archive; a copy of it is what every restore starts from."""
        name = self.city.cluster.sql("select pg_walfile_name(pg_switch_wal())")[0][0]
        lx.wait_until(lambda: (self.archive / name).exists(), 60, f"{name} is archived")
        shutil.copytree(self.archive, self.kept)

    def set_aside(self, how: str = "stop") -> None:
        """The machine of the database is gone."""
        pg = self.city.cluster.folder
        lx.run([lx.ROOT / "deploy/cluster", how, pg])
        shutil.rmtree(pg)
        # Timelines of earlier drills are not of this one.
        shutil.rmtree(self.archive)
        shutil.copytree(self.kept, self.archive)
        lx.run(["chown", "-R", f"--reference={self.base}", self.archive])

    def restore(self, moment: str, *options, check: bool = True):
        return lx.run([lx.ROOT / "deploy/restore", self.base, self.archive, self.city.cluster.folder, "--time", moment, *options],
                      check=check, env={"LIANXIAOCTL": str(lx.BUILD / "server/ctl/lianxiaoctl"), "LIANXIAO_JOURNAL": ""})

    def epoch(self) -> str:
        return self.city.cluster.sql("select encode(db_epoch, 'hex') from epoch")[0][0]

    def items(self) -> list[str]:
        return sorted(row[0] for row in self.city.cluster.sql("select item from fact where kind = 2"))

    def replay(self, *options, check: bool = True, journal=None):
        return self.city.ctl("journal", "replay", journal or self.city.journal, *options, check=check)

    def check_before_heal(self, before: frozenset) -> int:
        """Everything acknowledged before the moment is there; returns how many of the later ones are not."""
        there = self.items()
        assert len(there) == len(set(there)), "a record is there twice"
        assert before <= set(there), f"lost: {sorted(before - set(there))}"
        return len(self.acknowledged - set(there))

    def check_healed(self) -> None:
        """One sync of each home and the city is whole."""
        for home in self.homes:
            home.run("sync")
        assert self.items() == sorted(self.acknowledged), "after the homes' next sync"
        for home in self.homes:
            assert {entry["state"] for entry in home.json("outbox", "--all")} == {"stored"}
            assert home.json("status")["streams_whole"] == home.json("status")["streams"]
        self.city.ctl("verify")


def open_city(**settings) -> lx.Deployment:
    return lx.Deployment(archive=True, drain_timeout_ms=500, **settings)


def furnish(city: lx.Deployment) -> None:
    city.ctl("unit", "import", lx.ROOT / "tests/integration/units.csv")
    city.ctl("programme", "start", lx.ROOT / "deploy/schemes/hefei-2021.yaml")
    city.server.start()


def revoke_grant(city: lx.Deployment, account: str) -> None:
    grant = city.cluster.sql(f"select g.id from role_grant g join account a using (person) where a.account = '{account}'")[0][0]
    city.ctl("grant", "revoke", grant, "--for-cause")
