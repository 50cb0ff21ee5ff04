"""PostgreSQL on a disk that fails: one write or sync after another, of the WAL or of the data, while clients work.

PostgreSQL ends itself where a commit may not be on the disk (PANIC) and recovers; clients come back by themselves. What was written
since the last sync of the WAL is taken back when one fails (database/failing_calls.c), so an acknowledgement before the sync is lost.
"""
import errno
import mmap
import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

import check
import kills
import load
import lx

SYNC, WRITE = 1, 2
WAL, DATA = 1, 2
KINDS = {"wal_sync": (SYNC, WAL, errno.EIO), "wal_write": (WRITE, WAL, errno.EIO), "wal_full": (WRITE, WAL, errno.ENOSPC),
         "data_sync": (SYNC, DATA, errno.EIO), "data_write": (WRITE, DATA, errno.EIO), "data_full": (WRITE, DATA, errno.ENOSPC)}
# struct plan of failing_calls.c, up to the bytes that were written.
PLAN = struct.Struct("=iiiiiiqqq")
ROOM = 64 << 20
BIN = Path("/usr/lib/postgresql/15/bin")


class Disk:
    """The disk of a deployment's cluster, which is stopped and started with the library before it."""

    def __init__(self, city: lx.Deployment):
        self.city = city
        self.library = city.folder / "failing_calls.so"  # where PostgreSQL's user can read it
        shutil.copy(lx.ROOT / "build-dev/tests/fault/database/liblx_failing_calls.so", self.library)
        self.path = city.folder / "plan"
        with open(self.path, "wb") as file:
            file.write(PLAN.pack(0, 0, 0, 0, 0, 0, 0, 0, -1))
            file.truncate(PLAN.size + ROOM)
        os.chmod(self.path, 0o666)
        with open(self.path, "r+b") as file:
            self.plan = mmap.mmap(file.fileno(), PLAN.size)
        self.starts = 0
        city.cluster.stop()
        self.start()

    def start(self) -> None:
        folder = self.city.cluster.folder
        who = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        result = subprocess.run(
            [*who, "env", "-i", f"PATH={os.environ['PATH']}", "LC_ALL=C.UTF-8", f"LD_PRELOAD={self.library}",
             f"LX_FAILING_CALLS={self.path}", BIN / "pg_ctl", "-D", folder / "data", "-l", folder / "postgres.log", "-w", "-t", "120", "start"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        assert result.returncode == 0, (folder / "postgres.log").read_text(encoding="utf-8")[-2000:]
        self.starts += 1

    def fields(self) -> tuple:
        return PLAN.unpack_from(self.plan)

    def failed(self) -> int:
        return self.fields()[4]

    def fail(self, kind: str, after: int) -> None:
        """The call after so many of its kind fails."""
        struct.pack_into("=iii", self.plan, 0, *KINDS[kind])
        struct.pack_into("=i", self.plan, 12, after)

    def spare(self) -> None:
        struct.pack_into("=i", self.plan, 12, 0)

    def answers(self) -> bool:
        """PostgreSQL does again; whoever runs it starts it when it has ended."""
        psql = [str(lx.ROOT / "deploy/cluster"), "psql", str(self.city.cluster.folder), "-c", "select 1"]
        if subprocess.run(psql, capture_output=True, check=False).returncode == 0:
            return True
        status = [str(lx.ROOT / "deploy/cluster"), "status", str(self.city.cluster.folder)]
        if subprocess.run(status, capture_output=True, check=False).returncode != 0:
            self.start()
        return False

    def checkpoint(self) -> None:
        """Writes and syncs the data; it may fail."""
        subprocess.run([str(lx.ROOT / "deploy/cluster"), "psql", str(self.city.cluster.folder), "-c", "checkpoint"],
                       capture_output=True, check=False)


def fail_once(disk: Disk, kind: str, after: int) -> bool:
    """False: there were not so many such calls."""
    before = disk.failed()
    disk.fail(kind, after)
    if kind.startswith("data"):
        disk.checkpoint()
    else:
        lx.wait_until(lambda: disk.failed() > before, 120, f"{kind}: call {after}")
    disk.spare()
    lx.wait_until(disk.answers, 120, "PostgreSQL answers again")
    return disk.failed() > before


def fail_under_load(city: lx.Deployment, folder: Path, seed: int, more, kinds: tuple = tuple(KINDS), sql: str = "") -> dict:
    """Fails one call after another while more(failures) says so; then everybody pulls and the checker looks. `sql`: a setting
    of the database. Returns the counts; AssertionError: a finding."""
    rng = random.Random(seed)
    disk = Disk(city)
    if sql:
        city.cluster.sql(sql)
    load.build_town(city)
    city.server.start()
    seats = load.Town(city).seats(folder, 6)
    histories = folder / "histories"
    failures = dict.fromkeys(kinds, 0)
    with load.Fleet(seats, histories, seed, processes=1) as fleet:
        fleet.await_progress()
        while more(sum(failures.values())):
            kind = min(failures, key=lambda k: (failures[k], rng.random()))
            if fail_once(disk, kind, rng.randint(1, 12)):
                failures[kind] += 1
            fleet.await_progress()
        fleet.finish(when_quiet=lambda: kills.figures_done(city))
    city.cluster.amcheck()
    checker = check.check_city(city, histories)
    assert disk.fields()[5] == 0, "more was written between two syncs than the plan has room for"
    counts = {"failures": sum(failures.values()), "lost": 0, "doubled": 0, "starts": disk.starts, "bytes_taken_back": disk.fields()[6],
              **{f"failures_{kind}": n for kind, n in failures.items()}}
    return {**counts, **{k: checker.counts[k] for k in ("acknowledged", "refused", "unacknowledged")}}
