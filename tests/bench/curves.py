"""Scale curves: what one operation costs as the city grows, from the first point to the last.

Two cities run side by side where the city itself is what grows: the small one stays at the first point and takes turns with the
other (A B A B ...), so each point is a ratio to the first in the same seconds, whatever the machine does meanwhile.
"""
import contextlib
import statistics
import time
from typing import Callable, Iterator, NamedTuple

import lx
import peer

import figures
import town as towns
from drive import Meter, Rounds, Seat, backend_pids, interleave, load_generator, memory_kib, postgres_pids

FLAT = 1.15            # of the first point, at most, where the design says that a cost stays the same
CITY_WORKSHOPS = 8     # of a school
LEDGER_SEATS = 64
FILL_RECORDS = 100     # of a request
TEACHER_RECORDS = 20
PINGERS = 10
BATCH_CLIENTS = 16


class Series(NamedTuple):
    key: str
    label: str
    unit: str
    flat: bool = False  # stays within FLAT by design


class Curve(NamedTuple):
    name: str
    title: str
    x_label: str
    points: tuple[int, ...]
    short: tuple[int, ...]
    series: tuple[Series, ...]
    measure: Callable[["Run"], Iterator[tuple[float, Rounds]]]  # (x, rounds of the sides "here" and "first")


class Run(NamedTuple):
    points: tuple[int, ...]
    rounds: int
    seconds: float


# ---- ledger ----

def used_us(meter: Meter, count: int) -> dict:
    return {f"{name}_us": used / count * 1e6 for name, used in meter.used.items()}


def wal_bytes(city: lx.Deployment) -> float:
    return float(city.cluster.sql("select pg_current_wal_lsn() - '0/0'")[0][0])


class Ledger:
    """A city without an assessor, so that nothing but its ledger grows."""

    def __init__(self, stack: contextlib.ExitStack):
        self.city = stack.enter_context(lx.Deployment(durable=True, workers=1, dsn_assessor=""))
        self.load = stack.enter_context(load_generator())
        self.town = towns.Town(self.city, LEDGER_SEATS // CITY_WORKSHOPS, CITY_WORKSHOPS)
        self.city.server.start()
        seats = self.town.settle(LEDGER_SEATS * towns.TEACHERS)
        self.open("push", seats)
        self.rows = 0
        self.stream = bytes.fromhex(seats[0].stream)
        self.reader = seats[0]
        self.ask: dict[str, str] = {}

    def open(self, name: str, seats: list[Seat]) -> None:
        self.load.open(name, "lx", self.city.server.port, self.city.tls / "ca.pem", seats)

    def pids(self) -> dict[str, list[int]]:
        return {"server": self.city.server.children("worker"), "postgres": postgres_pids(self.city.cluster)}

    def push(self, records: int, each: int) -> dict:
        """A closed loop of all seats; the cost of a record."""
        before = wal_bytes(self.city)
        with Meter(**self.pids()) as meter:
            seen = self.load.closed("push", f"push:{records}", each)
        count = LEDGER_SEATS * records * each
        self.rows += count
        return {**used_us(meter, count), "load_us": seen["cpu_s"] / count * 1e6, "p50_ms": seen["p50_ms"], "rate": count / seen["seconds"],
                "wal_bytes": (wal_bytes(self.city) - before) / count}

    def row_bytes(self) -> float:
        """On disk, indexes and the runs of its push included."""
        return float(self.city.cluster.sql("select pg_total_relation_size('lx.fact') + pg_total_relation_size('lx.op_run')")[0][0]) / self.rows

    def fill(self, rows: int) -> None:
        while self.rows < rows:
            each = max(1, min(200, (rows - self.rows) // (LEDGER_SEATS * FILL_RECORDS)))
            self.push(min(FILL_RECORDS, max(1, (rows - self.rows) // LEDGER_SEATS)), each)

    def pull(self, name: str, request, each: int) -> float:
        """Processor time of server and PostgreSQL for one answer."""
        self.open(name, [self.reader._replace(payload=request.SerializeToString().hex())] * 4)
        with Meter(**self.pids()) as meter:
            self.load.closed(name, f"call:{peer.wire.PULL}", each)
        self.load.call("close", name)
        return sum(meter.used.values()) / (4 * each) * 1e6

    def measure(self, seconds: float, rows: int) -> dict:
        """With few records where the ledger is small: it shall not grow by much while it is measured."""
        pushed = self.push(10, max(1, min(int(seconds * 30), rows // (LEDGER_SEATS * 50))))
        head = int(self.city.cluster.sql(f"select head from head where stream = '{self.stream.hex()}'")[0][0])
        each = int(seconds * 200)
        pull = peer.ledger.PullRequest
        return {**pushed, "row_bytes": self.row_bytes(), "nothing_us": self.pull("nothing", pull(stream=self.stream, cursor=head), each),
                "page_us": self.pull("page", pull(stream=self.stream, cursor=max(0, head - 100), limit=100), each)}


def measure_ledger(run: Run) -> Iterator[tuple[float, Rounds]]:
    with contextlib.ExitStack() as stack:
        first, here = Ledger(stack), Ledger(stack)
        first.fill(run.points[0])
        for point in run.points:
            here.fill(point)
            before = here.rows
            rounds = interleave(run.rounds, {"here": lambda: here.measure(run.seconds, point), "first": lambda: first.measure(run.seconds, point)})
            yield (before + here.rows) / 2, rounds


# ---- connections ----

def measure_connections(run: Run) -> Iterator[tuple[float, Rounds]]:
    """Idle logged-in connections in one process, ten more that ping. A fresh worker for each point: its memory begins anew."""
    with contextlib.ExitStack() as stack:
        city = stack.enter_context(lx.Deployment(durable=True, workers=1, max_connections=40000))
        town = towns.Town(city, 1)
        city.server.start()
        office = town.office(0)
        seat = Seat(office.device.certificate, office.device.key, office.token.hex(), payload=figures.PING_X)

        def beside(count: int) -> dict:
            city.server.stop()
            city.server.start()
            pids = city.server.children("worker")
            with load_generator() as load:
                def many(name: str, seats: list[Seat]) -> None:
                    load.open(name, "lx", city.server.port, city.tls / "ca.pem", seats)
                    load.closed(name, figures.PING, 1)
                many("ping", [seat] * PINGERS)
                before = memory_kib(pids)
                with Meter(server=pids) as meter:
                    many("crowd", [seat] * count)
                kib = (memory_kib(pids) - before) / count
                seen = figures.calls(load, "ping", figures.PING, PINGERS, int(run.seconds * 2000), pids)
            return {"ping_us": seen["cpu_us"], "p50_ms": seen["p50_ms"], "kib": kib, "login_us": meter.used["server"] / count * 1e6}

        measured = interleave(max(1, run.rounds - 2), {str(point): lambda point=point: beside(point) for point in run.points}, warm=False)
        for point in run.points:
            yield point, Rounds({"here": measured.rows[str(point)], "first": measured.rows[str(run.points[0])]})


# ---- records of a push ----

def measure_batch(run: Run) -> Iterator[tuple[float, Rounds]]:
    with contextlib.ExitStack() as stack:
        city = stack.enter_context(lx.Deployment(durable=True, workers=1, dsn_assessor=""))
        load = stack.enter_context(load_generator())
        town = towns.Town(city, 1)
        city.server.start()
        load.open("push", "lx", city.server.port, city.tls / "ca.pem", town.workshop_seats(range(1)))

        def push(records: int) -> dict:
            each = max(3, int(run.seconds * 40_000 / (records + 8) / BATCH_CLIENTS))  # a request costs about eight records
            with Meter(server=city.server.children("worker"), postgres=postgres_pids(city.cluster)) as meter:
                seen = load.closed("push", f"push:{records}", each)
            count = BATCH_CLIENTS * records * each
            return {**used_us(meter, count), "load_us": seen["cpu_s"] / count * 1e6, "p50_ms": seen["p50_ms"], "rate": count / seen["seconds"]}

        measured = interleave(run.rounds, {str(point): lambda point=point: push(point) for point in run.points})
        for point in run.points:
            yield point, Rounds({"here": measured.rows[str(point)], "first": measured.rows[str(run.points[0])]})


# ---- teachers ----

class Grown:
    """A city with its assessor, in which teachers with a year's records are settled."""

    def __init__(self, stack: contextlib.ExitStack):
        self.city = stack.enter_context(lx.Deployment(durable=True, workers=1))
        self.load = stack.enter_context(load_generator())
        self.town = towns.Town(self.city, 1, CITY_WORKSHOPS)
        self.city.server.start()
        self.chief = self.town.chief()
        self.probe = None

    def grow(self, teachers: int) -> None:
        seats = self.town.settle(teachers)
        figures.fill_records(self.load, self.city, seats, TEACHER_RECORDS)
        self.town.wait_assessed()
        if self.probe is None:
            self.probe = self.town.steward(range(1))
            self.seat = seats[0]
            self.next_op = 1

    def statistics(self, code: str, each: int) -> float:
        """Processor time of server and PostgreSQL for one answer: a unit's figures by unit."""
        request = peer.statistics.StatisticsRequest(programme=1, unit=self.town.units[code], by=peer.statistics.BY_UNIT)
        seat = Seat(self.chief.device.certificate, self.chief.device.key, self.chief.token.hex(), payload=request.SerializeToString().hex())
        self.load.open("ask", "lx", self.city.server.port, self.city.tls / "ca.pem", [seat] * 4)
        with Meter(server=self.city.server.children("worker"), postgres=postgres_pids(self.city.cluster)) as meter:
            self.load.closed("ask", f"call:{peer.wire.STATISTICS}", each)
        self.load.call("close", "ask")
        return sum(meter.used.values()) / (4 * each) * 1e6

    def live(self, times: int) -> dict:
        """One record at a time, and its way into the figures of the city; what the round costs that takes it there, with workshop and school."""
        rounds = {"assessor": self.city.server.children("assessor"), "postgres": backend_pids(self.city.cluster, "lianxiao_assessor")}
        with Meter(**rounds) as meter:
            waits = [self.fresh_ms() for _ in range(times)]
        return {"fresh_ms": statistics.median(waits), "round_us": sum(meter.used.values()) / times * 1e6}

    def fresh_ms(self) -> float:
        unit, subject = bytes.fromhex(self.seat.stream), bytes.fromhex(self.seat.subject)[:16]
        answer = self.probe.push(unit, self.next_op, [figures.office.hours(subject, 1)])
        acknowledged = time.monotonic()
        self.next_op += 1
        request = peer.statistics.StatisticsRequest(programme=1, unit=self.town.units["340100"], by=peer.statistics.BY_UNIT)
        request.at_least.append(peer.statistics.AtLeast(stream=unit, seq=answer.seq))
        while not self.chief.call("STATISTICS", request, peer.statistics.StatisticsReply).covers_at_least:
            time.sleep(0.002)
        return (time.monotonic() - acknowledged) * 1e3

    def measure(self, seconds: float) -> dict:
        each = int(seconds * 200)
        disk = float(self.city.cluster.sql("select pg_database_size('lianxiao')")[0][0])
        scored = figures.rescore(self.town, self.town.people)
        return {"assessor_us": scored["assessor_us"], "postgres_us": scored["postgres_us"], "rescore_s": scored["seconds"], "disk_kib": disk / self.town.people / 1024,
                "assessor_mib": memory_kib(self.city.server.children("assessor")) / 1024,
                **self.live(int(seconds * 10)), **{f"{name}_us": self.statistics(code, each) for name, code in
                                                   (("school", towns.school_code(0)), ("district", "340103"), ("city", "340100"))}}


def measure_teachers(run: Run) -> Iterator[tuple[float, Rounds]]:
    with contextlib.ExitStack() as stack:
        first, here = Grown(stack), Grown(stack)
        first.grow(run.points[0])
        for point in run.points:
            here.grow(point)
            # A rescore of everybody is long enough to be measured once.
            rounds = run.rounds if point < 20_000 else 1
            yield here.town.people, interleave(rounds, {"here": lambda: here.measure(run.seconds), "first": lambda: first.measure(run.seconds)},
                                               warm=point < 20_000)


CURVES = {curve.name: curve for curve in (
    Curve("ledger", "A growing ledger", "rows in the city's ledger", (1_000, 10_000, 100_000, 1_000_000, 10_000_000), (1_000, 10_000, 100_000), (
        Series("server_us", "push: server", "µs a record", True), Series("postgres_us", "push: PostgreSQL", "µs a record", True),
        Series("load_us", "push: the client's side", "µs a record", True), Series("p50_ms", "push of 10 records, 64 clients: median", "ms"),
        Series("nothing_us", "pull, nothing new: server and PostgreSQL", "µs", True),
        Series("page_us", "pull of 100 rows: server and PostgreSQL", "µs", True),
        Series("row_bytes", "on disk, indexes and audit included", "bytes a record"),
        Series("wal_bytes", "WAL", "bytes a record")), measure_ledger),
    Curve("connections", "Connections in one process", "logged-in idle connections", (10, 100, 1_000, 5_000, 18_000), (10, 100, 1_000), (
        Series("ping_us", "ping: server", "µs", True), Series("p50_ms", "ping, 10 clients: median", "ms"),
        Series("login_us", "connection, handshake, Hello by token: server", "µs", True), Series("kib", "memory of a connection", "KiB")), measure_connections),
    Curve("batch", "Records of a push", "records of a push", (1, 2, 5, 10, 20, 50, 100, 200, 500), (1, 10, 100, 500), (
        Series("server_us", "server", "µs a record"), Series("postgres_us", "PostgreSQL", "µs a record"),
        Series("load_us", "the client's side", "µs a record"), Series("p50_ms", "a push, 16 clients: median", "ms")), measure_batch),
    Curve("teachers", "Teachers of a city", "teachers", (100, 1_000, 10_000, 200_000), (100, 500), (
        Series("assessor_us", "rescore: assessor", "µs a teacher", True), Series("postgres_us", "rescore: PostgreSQL", "µs a teacher", True),
        Series("round_us", "one record: a round with workshop and school", "µs a round"),
        Series("school_us", "statistics of a school: server and PostgreSQL", "µs", True),
        Series("district_us", "statistics of a district: server and PostgreSQL", "µs", True),
        Series("city_us", "statistics of the city: server and PostgreSQL", "µs", True),
        Series("disk_kib", f"database, {TEACHER_RECORDS} records each", "KiB a teacher"), Series("assessor_mib", "memory of the assessor", "MiB"),
        Series("fresh_ms", "a record into the city's figure: median", "ms"), Series("rescore_s", "rescore of everybody", "s")), measure_teachers),
)}


# ---- result ----

def point_of(x: float, rounds: Rounds, series: tuple[Series, ...]) -> dict:
    return {"x": x, "values": {s.key: rounds.of("here", s.key)._asdict() for s in series},
            "ratios": {s.key: rounds.ratio("here", "first", s.key)._asdict() for s in series}}


def verdicts(curve: Curve, points: list[dict]) -> dict[str, dict]:
    """Of each series that shall be flat: the worst point against the first, and whether every round of it says so."""
    found = {}
    for s in curve.series:
        if s.flat:
            worst = max(points, key=lambda p: p["ratios"][s.key]["median"])
            ratio = worst["ratios"][s.key]
            found[s.key] = {"worst": ratio["median"], "at": worst["x"], "flat": ratio["median"] <= FLAT, "unclear": ratio["low"] <= FLAT < ratio["median"]}
    return found


def measure(name: str, options) -> dict:
    curve = CURVES[name]
    points = tuple(options.points or (curve.short if options.short else curve.points))
    measured = []
    for x, rounds in curve.measure(Run(points, options.rounds, options.seconds)):
        measured.append(point_of(x, rounds, curve.series))
        print(f"  {name} at {x:,.0f}: " + ", ".join(f"{s.key} {measured[-1]['values'][s.key]['median']:.3g}" for s in curve.series), flush=True)
    return {"points": measured, "verdicts": verdicts(curve, measured)}


def markdown(name: str, result: dict) -> str:
    """A table: a column for each point, the ratio to the first behind what shall be flat."""
    curve = CURVES[name]
    lines = [f"| {curve.x_label} | " + " | ".join(f"{p['x']:,.0f}" for p in result["points"]) + " | verdict |",
             "|---|" + "---|" * (len(result["points"]) + 1)]
    for s in curve.series:
        cells = [f"{p['values'][s.key]['median']:.3g}" + (f" ({p['ratios'][s.key]['median']:.2f}×)" if s.flat else "") for p in result["points"]]
        verdict = result["verdicts"].get(s.key)
        said = "" if verdict is None else f"flat within {FLAT - 1:.0%}" if verdict["flat"] else \
            f"{'unclear, rounds differ' if verdict['unclear'] else 'not flat'}: {verdict['worst']:.2f}× at {verdict['at']:,.0f}"
        lines.append(f"| {s.label}, {s.unit} | " + " | ".join(cells) + f" | {said} |")
    return "\n".join(lines)
