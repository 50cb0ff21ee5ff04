"""A city whose only worker is looked at from outside: bytes of its heap in use (exact: tests/lib/bytes_in_use.c) and its descriptors, while
somebody attacks it and somebody honest works in it."""
import collections
import contextlib
import os
import signal
from pathlib import Path
from typing import Callable

import lx
import attacks
import office
import peer

ASKED = signal.SIGRTMIN + 5
LIBRARY = lx.BUILD / "tests/lib/liblx_test_bytes_in_use.so"
PATIENCE_S = 60
BYTES_KEPT = 2048  # what ten repetitions may leave: a list that has grown a little; 300 bytes each do not pass


def settings(folder: Path) -> dict:
    """Environment of a server that can be looked at."""
    options = os.environ.get("ASAN_OPTIONS", "detect_leaks=1") + ":verify_asan_link_order=0"  # the library comes first
    return {"LD_PRELOAD": str(LIBRARY), "LX_BYTES_IN_USE": str(folder / "bytes-in-use"), "ASAN_OPTIONS": options}


class Worker:
    """The only worker of a server that was started with settings()."""

    def __init__(self, server: lx.Server):
        lx.wait_until(lambda: len(server.children("worker")) == 1, PATIENCE_S, "one worker")
        self.pid, = server.children("worker")
        self.told = Path(f"{server.environment['LX_BYTES_IN_USE']}.{self.pid}")
        self.asked = 0

    def bytes(self) -> int:
        """In use just now. The worker answers between two instructions, wherever it is."""
        self.asked += 1
        os.kill(self.pid, ASKED)
        lines = lx.wait_until(self._lines, PATIENCE_S, "the worker's count of bytes")
        return int(lines[-1])

    def _lines(self) -> list:
        text = self.told.read_text(encoding="ascii") if self.told.exists() else ""
        lines = text.split("\n")[:-1]
        return lines if len(lines) >= self.asked else []

    def descriptors(self) -> list:
        """What they stand for, sorted."""
        folder, found = Path(f"/proc/{self.pid}/fd"), []
        for entry in os.listdir(folder):
            try:
                found.append(os.readlink(folder / entry).split(":")[0])  # without the number of the inode
            except FileNotFoundError:
                continue  # closed between the two calls
        return sorted(found)


def nothing_is_left(worker: Worker, used: int, descriptors: list) -> None:
    """Once what was under way has ended."""
    try:
        lx.wait_until(lambda: worker.bytes() <= used + BYTES_KEPT and not more_descriptors(worker, descriptors), PATIENCE_S)
    except AssertionError as failure:
        more, bytes_more = more_descriptors(worker, descriptors), worker.bytes() - used
        raise AssertionError(f"the worker has {bytes_more} bytes more in use than before, and the descriptors {more}") from failure


def more_descriptors(worker: Worker, before: list) -> dict:
    return dict(collections.Counter(worker.descriptors()) - collections.Counter(before))


def settled(worker: Worker) -> int:
    """Bytes in use when nothing is under way: the least of some looks, since work only adds."""
    return min(worker.bytes() for _ in range(5))


class Honest:
    """A head who works meanwhile, in a workshop that no attack touches."""

    def __init__(self, city: lx.Deployment, folder: Path):
        self.city = city
        self.stream = office.unit_id(city, attacks.FOREIGN_WORKSHOP)
        self.connection = office.login(city, folder, "school_admin", attacks.FOREIGN_DISTRICT_UNIT)
        person, roster = office.teacher(self.stream, 900002)
        told = self.connection.push(self.stream, 1, roster)
        assert told.verdict == peer.ledger.GROUP_DONE and not told.refused
        assert not self.connection.push(self.stream, 3, [office.hours(person, 100) for _ in range(5)]).refused
        lx.wait_until(self.is_assessed, PATIENCE_S, "the assessor has read everything")
        self.before = self.seen()

    def is_assessed(self) -> bool:
        return self.city.cluster.sql("""select (select count(*) from todo) + (select count(*) from head h left join stream_cursor c using (district, stream)
            where h.head > coalesce(c.seq, 0))""") == [["0"]]

    def seen(self) -> tuple:
        rows, last = self.connection.pull_all(self.stream)
        return sorted((key, row.version, row.seq) for key, row in rows.items()), last.live_count, last.digest

    def goes_on(self) -> None:
        self.connection.call("PING", peer.wire.PingRequest(payload=b"still here"), peer.wire.PingReply)


class Watched:
    """The city with one worker that can be looked at, who attacks it, and who works in it meanwhile."""

    def __init__(self, city: lx.Deployment, folder: Path):
        self.city = city
        self.worker = Worker(city.server)
        self.honest = Honest(city, folder)
        self.target = attacks.Target(city, folder)

    def stored(self) -> list:
        """Everything that people have written. (A refused record leaves its answer in op_run, and nothing else.)"""
        tables = ("fact", "person", "membership", "role_grant", "unit", "submission")
        return self.city.cluster.sql("; ".join(f"select '{t}', count(*), md5(coalesce(string_agg(x::text, '|' order by x::text), '')) from {t} x"
                                               for t in tables) + "; select account, name from account order by 1")

    def attack_again(self, attack, times: int) -> set:
        told = set()
        for _ in range(times):
            told |= attack(self.target)
            self.honest.goes_on()
        self.target.ready()  # whatever connection the attack has cost is there again
        return told


@contextlib.contextmanager
def watched(found_city: Callable, folder: Path):
    with lx.Deployment(workers=1) as city:
        city.server.environment = settings(city.folder)
        found_city(city)
        made = Watched(city, folder)
        yield made
        made.target.close()
        made.honest.connection.close()
