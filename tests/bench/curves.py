"""Scale curves: what one operation costs as a city grows, from the first point to the last.

Two cities run side by side: one grows from point to point, the other is made anew for each point and stays at the first. They take
turns (A B B A ...), so each point is a ratio to the first in the same seconds, whatever the machine does meanwhile. A point is
measured until its ratios are certainly on one side of FLAT, or for three times --rounds. What need not be flat has no first beside it.
"""
import contextlib
import time
from typing import Callable, NamedTuple

import subjects
from drive import Rounds, Spread, likely

FLAT = 1.15        # of the first point, at most, where the design says that a cost stays the same
MORE = 3           # times --rounds, as long as the rounds disagree
PATIENCE_S = 60    # what has taken so long ends after FEW rounds
FEW = 3


class Series(NamedTuple):
    key: str
    label: str
    unit: str
    flat: bool = False  # stays within FLAT by design


class Part(NamedTuple):
    """What is measured together: a method of the curve's subject, and what it gives."""
    method: str
    series: tuple[Series, ...]

    @property
    def flat(self) -> list[str]:
        return [series.key for series in self.series if series.flat]


class Curve(NamedTuple):
    title: str
    x_label: str
    points: tuple[int, ...]
    short: tuple[int, ...]
    make: Callable[[contextlib.ExitStack], object]  # see subjects.py
    parts: tuple[Part, ...]
    fixed_s: float   # a point takes so long on two free cores,
    each_s: float    # and for each of what it is made of

    @property
    def flat(self) -> bool:
        return any(series.flat for series in self.series)

    @property
    def series(self) -> list[Series]:
        return [series for part in self.parts for series in part.series]

    def expected_s(self, point: int) -> float:
        return self.fixed_s + self.each_s * point


CURVES = {
    "ledger": Curve("A growing ledger", "rows in the city's ledger", (1_000, 10_000, 100_000, 1_000_000, 10_000_000), (1_000, 10_000, 100_000), subjects.Ledger, (
        Part("push", (
            Series("server_us", "push: server", "µs a record", True), Series("postgres_us", "push: PostgreSQL", "µs a record", True),
            Series("load_us", "push: the client's side", "µs a record", True), Series("p50_ms", "push of 10 records, 64 clients: median", "ms"),
            Series("row_bytes", "on disk, indexes and audit included", "bytes a record"), Series("wal_bytes", "WAL", "bytes a record"))),
        Part("pulls", (
            Series("nothing_us", "pull, nothing new: server and PostgreSQL", "µs", True),
            Series("page_us", "pull of 100 rows: server and PostgreSQL", "µs", True)))), 50, 1.5e-5),
    "connections": Curve("Connections, 18,000 to a process", "logged-in idle connections", (10, 100, 1_000, 5_000, 18_000, 36_000), (10, 100, 1_000), subjects.Crowd, (
        Part("ping", (
            Series("ping_us", "ping: server, every process in turn", "µs", True), Series("p50_ms", "ping, 10 clients: median", "ms"),
            Series("kib", "memory of a connection", "KiB"))),
        Part("login", (Series("login_us", "connection, handshake, Hello by token: server", "µs", True),))), 45, 0.004),
    "batch": Curve("Records of a push", "records of a push", (1, 2, 5, 10, 20, 50, 100, 200, 500), (1, 10, 100, 500), subjects.Batch, (
        Part("push", (
            Series("server_us", "server", "µs a record"), Series("postgres_us", "PostgreSQL", "µs a record"),
            Series("load_us", "the client's side", "µs a record"), Series("p50_ms", "a push, 16 clients: median", "ms"))),), 15, 0),
    "teachers": Curve("Teachers of a city", "teachers", (100, 1_000, 10_000, 200_000), (100, 500), subjects.Teachers, (
        Part("figures", (
            Series("school_us", "statistics of a school: server and PostgreSQL", "µs", True),
            Series("district_us", "statistics of a district: server and PostgreSQL", "µs", True),
            Series("city_us", "statistics of the city: server and PostgreSQL", "µs", True))),
        Part("live", (
            Series("round_us", "one record: a round with workshop and school", "µs a round"),
            Series("fresh_ms", "a record into the city's figure: median", "ms"))),
        Part("rescore", (
            Series("assessor_us", "rescore: assessor", "µs a teacher", True), Series("postgres_us", "rescore: PostgreSQL", "µs a teacher", True),
            Series("rescore_s", "rescore of everybody", "s"),
            Series("disk_kib", f"database, {subjects.TEACHER_RECORDS} records each", "KiB a teacher"),
            Series("assessor_mib", "memory of the assessor", "MiB")))), 60, 3.5e-3),
}


# ---- measuring ----

def is_certain(ratio: Spread) -> bool:
    return ratio.high <= FLAT or ratio.low > FLAT


def by_turns(part: Part, here: object, first: object, rounds: int, seconds: float) -> Rounds:
    """A first round warms up and is not counted, unless it took so long that it was warm soon."""
    sides = {"here": here, "first": first} if part.flat else {"here": here}
    found, started = Rounds({name: [] for name in sides}), time.monotonic()
    for number in range(MORE * rounds + 1):
        rows = {name: getattr(sides[name], part.method)(seconds) for name in (sides if number % 2 else reversed(sides))}
        passed = time.monotonic() - started
        if number == 0 and passed < PATIENCE_S / FEW:
            continue
        for name, row in rows.items():
            found.rows[name].append(row)
        count = len(found.rows["here"])
        certain = count >= max(FEW, rounds) and all(is_certain(likely(found.ratios("here", "first", key))) for key in part.flat)
        if certain or count >= min(FEW, rounds) and passed > PATIENCE_S:
            break
    return found


def measure_point(curve: Curve, here: object, point: int, rounds: int, seconds: float) -> dict:
    """What is written down of one point. The ratio's lowest and highest are where its median lies, nine times in ten."""
    found = {"values": {}, "ratios": {}, "rounds": {}}
    with contextlib.ExitStack() as stack:
        first = curve.make(stack) if curve.flat else None
        if first is not None:
            first.grow(curve.points[0])
        here.grow(point)
        before = here.size()
        for part in curve.parts:
            seen = by_turns(part, here, first, rounds, seconds)
            for s in part.series:
                found["values"][s.key] = seen.of("here", s.key)._asdict()
                found["rounds"][s.key] = len(seen.rows["here"])
            for key in part.flat:
                found["ratios"][key] = likely(seen.ratios("here", "first", key))._asdict()
        return {"point": point, "x": (before + here.size()) / 2, **found}


# ---- result ----

def verdict(points: list[dict], key: str) -> str:
    """Of a series that shall be flat: the worst point against the first, and whether the rounds agree on it."""
    grown = [(p["ratios"][key], p["x"]) for p in points[1:]]
    steep = [one for one in grown if one[0]["low"] > FLAT]
    open_ = [one for one in grown if not is_certain(Spread(**one[0]))]
    if not steep and not open_:
        return f"flat within {FLAT - 1:.0%}{rise(grown)}" if grown else ""
    worst, at = max(steep or open_, key=lambda one: one[0]["median"])
    return f"{'not flat' if steep else 'unclear, rounds differ'}: {worst['median']:.2f}× ({worst['low']:.2f} to {worst['high']:.2f}) at {at:,.0f}"


def rise(grown: list[tuple[dict, float]]) -> str:
    """Where the first point pays what others share, a cost may fall and then grow: said, so that nothing hides behind the first."""
    medians = [ratio["median"] for ratio, _ in grown]
    place = max(range(len(grown)), key=lambda n: medians[n] / min(medians[:n + 1]))
    times = medians[place] / min(medians[:place + 1])
    return f" of the first, but {times:.2f}× its lowest at {grown[place][1]:,.0f}" if times > FLAT else ""


def markdown(name: str, points: list[dict]) -> str:
    """A table: a column for each point, the ratio to the first behind what shall be flat."""
    curve = CURVES[name]
    lines = [f"| {curve.x_label} | " + " | ".join(f"{p['x']:,.0f}" for p in points) + " | verdict |", "|---|" + "---|" * (len(points) + 1)]
    for s in curve.series:
        cells = [f"{p['values'][s.key]['median']:.3g}" + (f" ({p['ratios'][s.key]['median']:.2f}×)" if s.flat else "") for p in points]
        lines.append(f"| {s.label}, {s.unit} | " + " | ".join(cells) + f" | {verdict(points, s.key) if s.flat else ''} |")
    return "\n".join(lines)


def summary(name: str, point: dict) -> str:
    return f"  {name} at {point['x']:,.0f}: " + ", ".join(f"{s.key} {point['values'][s.key]['median']:.3g}" for s in CURVES[name].series)
