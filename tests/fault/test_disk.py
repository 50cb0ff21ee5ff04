"""Full disks: PostgreSQL's under load, the server's log, the client's home. Nothing is acknowledged that is not there,
everybody is told to come back, and when there is room again all goes on by itself."""
import contextlib
import errno
import os
import time
from pathlib import Path

import check
import kills
import load
import lx

SCHOOL = "3401030001"
PASSWORD = "correct-horse-1"
SUDO = [] if os.geteuid() == 0 else ["sudo"]


@contextlib.contextmanager
def small_disk(path: Path, megabytes: int):
    """A filesystem of this size at `path`; it ends with whatever is still open on it."""
    path.mkdir(exist_ok=True)
    lx.run([*SUDO, "mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "lx-small", path])
    try:
        yield path
    finally:
        lx.run([*SUDO, "umount", "--lazy", path])


def fill(disk: Path) -> Path:
    """Takes all room that is left; removing the file gives it back."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as full:
                assert full.errno == errno.ENOSPC
    return filler


def stands_still(fleet: load.Fleet) -> bool:
    before = sum(fleet.acknowledged)
    time.sleep(1)  # the measure itself, not a wait for something
    fleet.complain()
    return sum(fleet.acknowledged) == before


def test_database_disk_full_under_load(tmp_path):
    city = lx.Deployment(durable=True, drain_timeout_ms=500)
    with small_disk(city.folder / "pg", 400) as disk, city:
        load.build_town(city)
        city.server.start()
        seats = load.Town(city).seats(tmp_path, 6)
        with load.Fleet(seats, tmp_path / "histories", 1) as fleet:
            for _ in range(2):
                fleet.await_progress()
                filler = fill(disk)
                lx.wait_until(lambda: stands_still(fleet), 60, "nothing is acknowledged any more")
                assert city.server.process.poll() is None, "the server goes on without its database"
                filler.unlink()
                # It panics where its log finds no room, and ends if that happens while it recovers; then its supervisor
                # starts it again. The server needs nobody.
                lx.wait_until(lambda: kills.start_again(city), 120, "PostgreSQL runs")
                fleet.await_progress()
            fleet.finish(when_quiet=lambda: kills.figures_done(city))
        city.cluster.amcheck()
        counts = check.check_city(city, tmp_path / "histories").counts
        print(counts)
        assert counts["acknowledged"] > 100


def test_server_goes_on_when_its_log_is_full(city, tmp_path):
    city.user("logless", "school_admin", SCHOOL, PASSWORD)
    city.server.stop()
    with small_disk(tmp_path / "log", 1) as disk:
        city.server.log = disk / "lianxiaod.log"
        city.server.start()
        filler = fill(disk)
        home = city.home().enrol(SCHOOL).login("logless", PASSWORD)
        home.run("sync")
        assert home.run("record", "add", "discussion", SCHOOL, "--item", "k1", "--at", "2021-07-01").returncode == 0
        home.run("sync")
        assert city.cluster.sql("select count(*) from fact where item = 'k1'") == [["1"]]
        size = city.server.log.stat().st_size
        filler.unlink()
        home.run("logout")
        city.server.stop()
        assert city.server.log.stat().st_size > size, "it writes again when there is room"


def test_client_home_full(city, tmp_path):
    city.user("fullhome", "school_admin", SCHOOL, PASSWORD)

    def record(item: str, **options):
        return home.run("record", "add", "discussion", SCHOOL, "--item", item, "--at", "2021-07-01", check=False, **options)

    with small_disk(tmp_path / "home", 8) as disk:
        home = lx.Home(disk, city).enrol(SCHOOL).login("fullhome", PASSWORD)
        home.run("sync")
        filler = fill(disk)
        said, n = [], 0
        while (answer := record(f"k{n}")).returncode == 0:
            said.append(f"k{n}")
            n += 1
        assert answer.returncode == 1 and "is full: nothing was stored; make room and do it again" in answer.stderr
        answer = record("kzh", lang="zh_CN.UTF-8")
        assert answer.returncode == 1 and "磁盘已满" in answer.stderr
        assert [e["state"] for e in home.json("outbox")] == ["waiting"] * len(said)
        filler.unlink()
        assert record(f"k{n}").returncode == 0
        home.run("sync")
        stored = {row[0] for row in city.cluster.sql("select item from fact where kind = 2")}
        assert stored == {*said, f"k{n}"}
