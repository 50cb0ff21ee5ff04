"""What drives a measurement: the load generators, processor time of processes, medians over interleaved rounds."""
import contextlib
import json
import math
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, NamedTuple

import lx

NONE = "-"


class Failed(Exception):
    """A generator ended; it has said why on standard error."""


class Generator:
    """A load generator that takes a line and answers with one of JSON (load/load.h, peer/grpc_load.cc)."""

    def __init__(self, program: Path):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Generator":
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait(30)

    def call(self, *words) -> dict:
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{words}: the generator ended with {self.process.wait()}")
        return json.loads(line)

    def open(self, name: str, protocol: str, port: int, ca: Path, seats: list) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".seats") as file:
            file.writelines(" ".join(str(word) for word in seat) + "\n" for seat in seats)
            file.flush()
            self.call("open", name, protocol, "127.0.0.1", port, ca, file.name)

    def closed(self, name: str, what: str, each: int) -> dict:
        return self.call("run", name, "closed", what, each)

    def paced(self, name: str, what: str, seconds: float, rate: float) -> dict:
        return self.call("run", name, "open", what, seconds, rate)


class Seat(NamedTuple):
    """One connection: files of its device, token of its login, and what it pushes or asks."""
    cert: str = NONE
    key: str = NONE
    token: str = NONE
    stream: str = NONE
    subject: str = NONE
    next_op: int = 1
    payload: str = NONE


def load_generator() -> Generator:
    return Generator(lx.BUILD / "tests/bench/lx_load")


# ---- processor time and memory ----

def cpu_s(pids) -> float:
    """Processor time of the processes, with that of threads that have ended, in the clock's nanoseconds."""
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)  # CLOCK_PROCESS_CPUTIME_ID of another process


def postgres_pids(cluster: lx.Cluster) -> list[int]:
    """All but autovacuum's workers: what they do is nobody's operation, and would fall on whoever is measured just then."""
    postmaster = cluster.postmaster()
    out = lx.run(["ps", "--ppid", postmaster, "-o", "pid=,args="], check=False).stdout
    return [postmaster, *(int(line.split()[0]) for line in out.splitlines() if "autovacuum worker" not in line)]


def backend_pids(cluster: lx.Cluster, role: str) -> list[int]:
    """PostgreSQL's processes that serve a role's connections."""
    out = lx.run(["ps", "--ppid", cluster.postmaster(), "-o", "pid=,args="], check=False).stdout
    return [int(line.split()[0]) for line in out.splitlines() if f": {role} " in line]


def memory_kib(pids) -> int:
    """What the processes have of their own (anonymous, resident)."""
    return sum(int(line.split()[1]) for pid in pids
               for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
               if line.startswith("RssAnon"))


def cpu_of(pids) -> dict[int, float]:
    """Of each process that is still there: PostgreSQL's helpers come and go."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            found[pid] = cpu_s([pid])
    return found


def descriptors(pids) -> int:
    """How many are open in the processes."""
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


class Meter:
    """Processor seconds of groups of processes over a with block: meter.used["server"]. What has ended meanwhile is left out."""

    def __init__(self, **groups: list[int]):
        self.groups, self.used = groups, {}

    def __enter__(self) -> "Meter":
        self.before = {name: cpu_of(pids) for name, pids in self.groups.items()}
        return self

    def __exit__(self, *_) -> None:
        for name, before in self.before.items():
            self.used[name] = sum(now - before[pid] for pid, now in cpu_of(before).items())


# ---- rounds ----

class Spread(NamedTuple):
    median: float
    low: float
    high: float

    @staticmethod
    def of(values) -> "Spread":
        return Spread(statistics.median(values), min(values), max(values))


def likely(values: list[float]) -> Spread:
    """The median, and between which of the values (order statistics) the median of endless rounds lies, nine times in ten; of fewer than five
    all of them."""
    ordered, n = sorted(values), len(values)
    dropped = max((k for k in range(n) if sum(math.comb(n, i) for i in range(k + 1)) / 2**n <= 0.05), default=0)
    return Spread(statistics.median(values), ordered[dropped], ordered[n - 1 - dropped])


class Rounds:
    """What the sides measured, round by round: numbers by name."""

    def __init__(self, rows: dict[str, list[dict]]):
        self.rows = rows

    def of(self, side: str, key: str) -> Spread:
        return Spread.of([row[key] for row in self.rows[side]])

    def ratio(self, side: str, other: str, key: str, other_key: str = "") -> Spread:
        return Spread.of(self.ratios(side, other, key, other_key))

    def ratios(self, side: str, other: str, key: str, other_key: str = "") -> list[float]:
        """Side by other, each round by itself: what drifts from round to round falls out."""
        pairs = zip(self.rows[side], self.rows[other])
        return [a[key] / b[other_key or key] for a, b in pairs]

    def medians(self) -> dict:
        return {side: {key: self.of(side, key)._asdict() for key in rows[0]} for side, rows in self.rows.items()}


def interleave(rounds: int, sides: dict[str, Callable[[], dict]], warm: bool = True) -> Rounds:
    """A B A B ...: each side gives numbers by name. A first round warms up and is not counted."""
    rows: dict[str, list[dict]] = {name: [] for name in sides}
    for number in range(rounds + warm):
        for name, measure in sides.items():
            row = measure()
            if number >= warm:
                rows[name].append(row)
    return Rounds(rows)

