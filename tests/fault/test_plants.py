"""The checker finds what it is for: ten planted bugs, each under the number of the promise that it breaks, and nothing
without one. Those in C are named in common/base/plant.h, those in SQL lie in plants/."""
import os
import signal
from pathlib import Path

import pytest

import check
import kills
import load
import lx

PLANTS = Path(__file__).resolve().parent / "plants"
BROKEN = {  # bug -> promise
    "drop": "I1", "duplicate": "I2", "reorder": "I3", "skipped_row": "I3", "stale_cursor": "I4", "leak": "I6", "broken_chain": "I7",
    "lost_void": "I8", "wrong_rollup": "I8",
}


class Ground:
    """A deployment with seats, whose database is made anew from a copy for each bug."""

    def __init__(self, city: lx.Deployment, folder: Path):
        self.city = city
        load.build_town(city)
        city.server.start()
        self.seats = load.Town(city).seats(folder, 5)
        city.server.stop()
        self.admin("create database plain template lianxiao")

    def admin(self, text: str) -> None:
        lx.run([lx.ROOT / "deploy/cluster", "psql", self.city.cluster.folder, "-d", "postgres", "-c", text])

    def renew(self) -> None:
        self.city.server.stop()
        self.admin("drop database lianxiao with (force)")
        self.admin("create database lianxiao template plain")
        self.city.cluster.sql("update epoch set database_oid = (select oid from pg_database where datname = current_database())")

    def plant(self, bug: str) -> None:
        file = PLANTS / f"{bug}.sql"
        if file.exists():
            lx.run([lx.ROOT / "deploy/cluster", "psql", self.city.cluster.folder], stdin=file.read_text(encoding="utf-8"))
        self.city.server.environment = {"LX_PLANT": bug}
        self.city.server.start()

    def load(self, folder: Path, during) -> check.Findings:
        """What the checker finds after a short load; a client that sees the bug itself only ends it sooner."""
        with load.Fleet(self.seats, folder, 7, processes=1, batch=50) as fleet:
            try:
                fleet.await_acknowledged(400)
                during(fleet)
                fleet.finish(when_quiet=lambda: kills.figures_done(self.city))
            except AssertionError as seen:
                print(f"seen by a client: {str(seen)[-300:]}")
        checker = check.Checker(self.city.cluster, sorted(folder.glob("*.jsonl")))
        findings = checker.check(self.city)
        print(findings, checker.counts)
        return findings


@pytest.fixture(scope="module")
def whole_ground(tmp_path_factory):
    with lx.Deployment(drain_timeout_ms=100) as city:
        # Long enough for what was not flushed to be lost with the postmaster.
        lx.run([lx.ROOT / "deploy/cluster", "psql", city.cluster.folder, "-c", "alter system set wal_writer_delay = '10s'"])
        lx.run([lx.ROOT / "deploy/cluster", "psql", city.cluster.folder, "-c", "select pg_reload_conf()"])
        yield Ground(city, tmp_path_factory.mktemp("seats"))


@pytest.fixture
def ground(whole_ground):
    yield whole_ground
    whole_ground.renew()


def test_nothing_is_found_without_a_bug(ground, tmp_path):
    ground.plant("none")
    assert not ground.load(tmp_path / "h", lambda fleet: None)


@pytest.mark.parametrize("bug, promise", BROKEN.items())
def test_a_planted_bug_is_found(ground, tmp_path, bug, promise):
    ground.plant(bug)
    assert promise in ground.load(tmp_path / "h", lambda fleet: None).by_promise


def test_an_acknowledgement_before_the_commit_is_found(ground, tmp_path):
    """The postmaster is killed while answers go out whose commits nobody has flushed."""
    def kill(fleet: load.Fleet) -> None:
        for _ in range(5):
            os.kill(ground.city.cluster.postmaster(), signal.SIGKILL)
            lx.wait_until(lambda: kills.start_again(ground.city), 60, "PostgreSQL starts again")
            fleet.await_acknowledged(100)

    ground.plant("ack_before_commit")
    assert "I1" in ground.load(tmp_path / "h", kill).by_promise


def test_a_release_has_no_plants():
    """Compiled as a release is, not one file of the server knows the word."""
    sources = [p for folder in ("common", "server") for p in sorted((lx.ROOT / folder).rglob("*.c")) if "plant.h" in p.read_text()]
    assert len(sources) >= 6, sources
    for source in sources:
        flags = lx.run(["pkg-config", "--cflags", "libpq", "libprotobuf-c"]).stdout.split()
        made = lx.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-S", "-o", "-", f"-I{lx.ROOT}", f"-I{lx.BUILD}", *flags, source])
        assert "LX_PLANT" not in made.stdout and "plant_is" not in made.stdout, source
