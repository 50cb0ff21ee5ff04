"""kill -9 of the client at any moment, 20 times each while it records, syncs and watches: what it said is recorded is
stored once, what it did not say is stored once or not at all, and its queue drains."""
import itertools
import os
import random
import subprocess

import lx
import pytest

KILLS = int(os.environ.get("LX_KILLS", "20"))
SCHOOL = "3401030001"
PASSWORD = "correct-horse-1"


class Recorder:
    """One school's home; every record has a topic of its own, noted before it is written and after it was said."""

    def __init__(self, city: lx.Deployment):
        self.city = city
        city.user("killed", "school_admin", SCHOOL, PASSWORD)
        self.home = city.home().enrol(SCHOOL).login("killed", PASSWORD)
        self.home.run("sync")
        self.begun: list[str] = []
        self.said: set[str] = set()
        self.numbers = itertools.count(1)

    def start(self, *words) -> subprocess.Popen:
        return subprocess.Popen([lx.BUILD / "client/cli/lianxiao", *words, "--home", self.home.folder],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start_record(self) -> subprocess.Popen:
        self.begun.append(f"k{next(self.numbers)}")
        return self.start("record", "add", "discussion", SCHOOL, "--item", self.begun[-1], "--at", "2021-07-01")

    def record(self) -> None:
        assert self.start_record().wait(60) == 0
        self.said.add(self.begun[-1])

    def kill(self, process: subprocess.Popen, life_s: float) -> bool:
        """At a random moment of its life; true when it had ended by itself before, and well."""
        try:
            process.wait(random.uniform(0, life_s))
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait() == 0

    def check(self) -> None:
        assert self.home.run("sync", check=False).returncode == 0
        assert {e["state"] for e in self.home.json("outbox", "--all")} <= {"stored"}
        stored = [row[0] for row in self.city.cluster.sql("select item from fact where kind = 2")]
        assert len(stored) == len(set(stored)), "a record is there twice"
        assert self.said <= set(stored), f"lost: {self.said - set(stored)}"
        assert set(stored) <= set(self.begun), "records that nobody made"


@pytest.fixture
def recorder(city):
    return Recorder(city)


def test_killed_while_recording(recorder):
    """A watcher sends at the same time, on the same home."""
    watcher = recorder.start("sync", "--watch")
    for _ in range(KILLS):
        if recorder.kill(recorder.start_record(), 0.1):
            recorder.said.add(recorder.begun[-1])
    watcher.kill()
    watcher.wait()
    recorder.check()


@pytest.mark.parametrize("words", [["sync"], ["sync", "--watch"]], ids=["sync", "watch"])
def test_killed_while_sending(recorder, words):
    for _ in range(KILLS):
        recorder.record()
        recorder.kill(recorder.start(*words), 0.25)
    recorder.check()
    assert len(recorder.said) == KILLS
