"""The measurements behind G1 to G16, one function each: it gives the spreads by the targets' ids, and keeps what else it saw."""
import concurrent.futures
import contextlib
import statistics
import time
from typing import Callable

import lx
import office
import peer

import peers
import town as towns
from drive import Generator, Meter, Rounds, Seat, Spread, descriptors, interleave, memory_kib, postgres_pids

SLOW_US = 2000
IDLE_STEPS = (5000, 18000)
FILL_SEATS = 64
GROUPBY_ROWS = 4_000_000


class Bench:
    """A running city and what was seen in it."""

    def __init__(self, city: lx.Deployment, town: towns.Town, load: Generator, options):
        self.city, self.town, self.load, self.options = city, town, load, options
        self.ca = city.tls / "ca.pem"
        self.seen: dict[str, dict] = {}
        self.opened: set[str] = set()
        self.slow = peers.SlowDisk(city.cluster)

    def workers(self) -> list[int]:
        return self.city.server.children("worker")

    def side(self, name: str, seats: Callable[[], list[Seat]]) -> str:
        """Opened when it is first asked for."""
        if name not in self.opened:
            self.load.open(name, "lx", self.city.server.port, self.ca, seats())
            self.opened.add(name)
        return name

    def keep(self, name: str, rounds: Rounds) -> Rounds:
        self.seen[name] = rounds.medians()
        return rounds


# ---- push ----

def push(bench: Bench, side: str, clients: int, records: int, seconds: float) -> dict:
    """A closed loop of about so many seconds."""
    each = max(2, int(seconds * bench.options.guess / records / clients))
    groups = {"server": bench.workers(), "assessor": bench.city.server.children("assessor"), "postgres": postgres_pids(bench.city.cluster)}
    with Meter(**groups) as meter:
        seen = bench.load.closed(side, f"push:{records}", each)
    count = clients * records * each
    return {"rate": count / seen["seconds"], "p50_ms": seen["p50_ms"], "p99_ms": seen["p99_ms"], "load_us": seen["cpu_s"] / count * 1e6,
            **{f"{name}_us": used / count * 1e6 for name, used in meter.used.items()}}


def raw(bench: Bench) -> dict:
    return {"rate": towns.raw_rate(bench.city.cluster)}


class GrpcSide:
    """The gRPC peer and its own load, for one kind of push."""

    def __init__(self, bench: Bench, stack: contextlib.ExitStack, clients: int, connections: int):
        self.bench, self.clients = bench, clients
        server = stack.enter_context(peers.Grpc(bench.city.tls, bench.city.cluster.dsn, connections, "sync"))
        self.load = stack.enter_context(peers.grpc_load())
        self.pids = server.pids
        seats = [Seat(stream=peer.uuid7().hex(), subject=peer.uuid7().hex()) for _ in range(clients)]
        self.load.open("grpc", "grpc", server.port, bench.ca, seats)

    def push(self, records: int, seconds: float) -> dict:
        each = max(2, int(seconds * self.bench.options.guess / 2 / records / self.clients))
        with Meter(server=self.pids) as meter:
            seen = self.load.closed("grpc", f"push:{records}", each)
        count = self.clients * records * each
        return {"rate": count / seen["seconds"], "p50_ms": seen["p50_ms"], "server_us": meter.used["server"] / count * 1e6}


def wide(bench: Bench) -> str:
    return bench.side("push64", lambda: bench.town.workshop_seats(range(0, 4)))


def narrow(bench: Bench) -> str:
    return bench.side("push256", lambda: bench.town.workshop_seats(range(4, 20)))


def measure_push(bench: Bench) -> dict[str, Spread]:
    seconds, figures = bench.options.seconds, {}
    for name, side, clients, records, target in (("64x100", wide(bench), 64, 100, "1"), ("256x10", narrow(bench), 256, 10, "2")):
        with contextlib.ExitStack() as stack:
            grpc = GrpcSide(bench, stack, clients, 4)
            rounds = bench.keep(f"push {name}", interleave(bench.options.rounds, {
                "product": lambda: push(bench, side, clients, records, seconds),
                "raw": lambda: raw(bench),
                "grpc": lambda: grpc.push(records, seconds)}))
        figures[f"G{target}"] = rounds.ratio("product", "raw", "rate")
        figures[f"G4.{records}"] = rounds.ratio("product", "grpc", "rate")
        if records == 100:
            figures["G5"] = rounds.ratio("product", "product", "server_us", "postgres_us")
    return figures


def measure_durable(bench: Bench) -> dict[str, Spread]:
    """The same beside a disk of 2 ms, and one hot school beside spread ones."""
    side, seconds = narrow(bench), bench.options.seconds
    hot = bench.side("hot", lambda: hot_seats(bench))
    spread = bench.side("spread", lambda: spread_seats(bench))
    bench.slow.set(SLOW_US)
    try:
        with contextlib.ExitStack() as stack:
            grpc = GrpcSide(bench, stack, 256, 16)
            rounds = bench.keep("push 256x10, fdatasync +2 ms", interleave(bench.options.rounds, {
                "product": lambda: push(bench, side, 256, 10, seconds),
                "raw": lambda: raw(bench),
                "grpc": lambda: grpc.push(10, seconds / 4)}))
        schools = bench.keep("16 clients, fdatasync +2 ms", interleave(bench.options.rounds, {
            "hot": lambda: push(bench, hot, 16, 10, seconds / 4),
            "spread": lambda: push(bench, spread, 16, 10, seconds / 4)}))
    finally:
        bench.slow.set(0)
    return {"G3.raw": rounds.ratio("product", "raw", "rate"), "G3.grpc": rounds.ratio("product", "grpc", "rate"),
            "G13": schools.ratio("hot", "spread", "rate")}


def hot_seats(bench: Bench) -> list[Seat]:
    """Sixteen devices of one school that push for the school itself."""
    code = towns.school_code(20)
    return [bench.town.seat(office.login(bench.city, bench.city.folder, "school_admin", code), code) for _ in range(16)]


def spread_seats(bench: Bench) -> list[Seat]:
    """Sixteen schools with a device each."""
    return [bench.town.seat(bench.town.office(school), towns.school_code(school)) for school in range(4, 20)]


def measure_single(bench: Bench) -> dict[str, Spread]:
    """One client that pushes ten records at a time. What libpq does without a server between, and a ping through it, are what a push cannot be below."""
    side = bench.side("single", lambda: [bench.town.seat(bench.town.office(20), f"{towns.school_code(20)}-00")])
    ping = bench.side("ping1", lambda: [login_seat(bench, PING_X)])
    times = int(bench.options.seconds * 500)
    with peers.RawLibpq(bench.city.cluster.dsn) as libpq:
        rounds = bench.keep("one client, 10 records", interleave(bench.options.rounds, {
            "product": lambda: bench.load.closed(side, "push:10", times),
            "libpq": lambda: libpq.insert(10, times),
            "ping": lambda: bench.load.closed(ping, PING, times)}))
    return {"G12": rounds.ratio("product", "libpq", "p50_ms")}


# ---- connections ----

def calls(load: Generator, side: str, what: str, clients: int, each: int, pids: list[int]) -> dict:
    with Meter(server=pids) as meter:
        seen = load.closed(side, what, each)
    return {"rate": seen["requests"] / seen["seconds"], "p50_ms": seen["p50_ms"], "p99_ms": seen["p99_ms"],
            "cpu_us": meter.used["server"] / (clients * each) * 1e6}


PING = f"call:{peer.wire.PING}"
PING_X = peer.wire.PingRequest(payload=b"x").SerializeToString().hex()


def pinging(bench: Bench) -> str:
    return bench.side("ping", lambda: [login_seat(bench, PING_X)] * 16)


def login_seat(bench: Bench, payload: str) -> Seat:
    office_ = bench.town.office(0)
    return Seat(office_.device.certificate, office_.device.key, office_.token.hex(), payload=payload)


def measure_ping(bench: Bench) -> dict[str, Spread]:
    each = int(bench.options.seconds * 1500)
    side = pinging(bench)
    with contextlib.ExitStack() as stack:
        nginx = stack.enter_context(peers.Nginx(bench.city.tls))
        bench.load.open("nginx", "http", nginx.port, bench.ca, [Seat()] * 16)
        sides = {"product": lambda: calls(bench.load, side, PING, 16, each, bench.workers()),
                 "nginx": lambda: calls(bench.load, "nginx", "http", 16, each, nginx.pids)}
        for api in ("sync", "callback"):
            server = stack.enter_context(peers.Grpc(bench.city.tls, bench.city.cluster.dsn, 1, api))
            load = stack.enter_context(peers.grpc_load())
            load.open("grpc", "grpc", server.port, bench.ca, [Seat()] * 16)
            sides[f"grpc {api}"] = lambda load=load, pids=server.pids: calls(load, "grpc", "ping", 16, each // 2, pids)
        rounds = bench.keep("ping", interleave(bench.options.rounds, sides))
        bench.load.call("close", "nginx")
    best = min(("grpc sync", "grpc callback"), key=lambda name: rounds.of(name, "cpu_us").median)
    return {"G6.nginx": rounds.ratio("product", "nginx", "cpu_us"), "G6.grpc": rounds.ratio("product", best, "cpu_us")}


def idle_memory(load: Generator, protocol: str, port: int, ca, seats: list[Seat], pids: list[int]) -> list[float]:
    """KiB a connection that has answered one request and waits: with the few, and with the many. What a crowd has grown stays with the process,
    so each is the first of its size, and both count from before."""
    before, found = memory_kib(pids), []
    for count in IDLE_STEPS:
        with crowd(load, protocol, port, ca, seats * count, pids):
            load.closed("crowd", PING if protocol == "lx" else "http", 1)
            found.append((memory_kib(pids) - before) / count)
    return found


@contextlib.contextmanager
def gone_afterwards(load: Generator, side: str, pids: list[int]):
    """What is opened as this side goes again; afterwards the server has let go of it, so that the next finds descriptors."""
    before = descriptors(pids)
    yield
    load.call("close", side)
    lx.wait_until(lambda: descriptors(pids) <= before, 60, f"the connections of {side} are gone")


@contextlib.contextmanager
def crowd(load: Generator, protocol: str, port: int, ca, seats: list[Seat], pids: list[int]):
    """Many connections."""
    with gone_afterwards(load, "crowd", pids):
        load.open("crowd", protocol, port, ca, seats)
        yield


def measure_idle(bench: Bench) -> dict[str, Spread]:
    """Memory and the cost of a ping beside many idle connections; one worker, one nginx worker."""
    many = IDLE_STEPS[1]
    seat, each = login_seat(bench, PING_X), int(bench.options.seconds * 1500)
    side, pids = pinging(bench), bench.workers()

    def beside(count: int) -> dict:
        with crowd(bench.load, "lx", bench.city.server.port, bench.ca, [seat] * count, pids) if count else contextlib.nullcontext():
            return calls(bench.load, side, PING, 16, each, pids)

    with peers.Nginx(bench.city.tls) as nginx:
        ours = idle_memory(bench.load, "lx", bench.city.server.port, bench.ca, [seat], pids)
        theirs = idle_memory(bench.load, "http", nginx.port, bench.ca, [Seat()], nginx.pids)
    bench.seen["idle memory"] = {"product": {"kib": ours[0], "kib_many": ours[1]}, "nginx": {"kib": theirs[0], "kib_many": theirs[1]}}
    rounds = bench.keep("ping beside idle connections", interleave(bench.options.rounds, {
        str(count): lambda count=count: beside(count) for count in (0, *IDLE_STEPS)}))
    return {"G7.kib": Spread.of([ours[0]]), "G7.nginx": Spread.of([ours[0] / theirs[0]]),
            "G9.cpu": rounds.ratio(str(many), "0", "cpu_us"), "G9.memory": Spread.of([ours[1] / ours[0]])}


def shakes(load: Generator, side: str, count: int, pids: list[int]) -> dict:
    with Meter(server=pids) as meter:
        seen = load.call("shake", side, count)
    return {"cpu_us": meter.used["server"] / count * 1e6, "p50_ms": seen["p50_ms"]}


def measure_handshake(bench: Bench) -> dict[str, Spread]:
    """Full handshakes, as of a device that is not yet enrolled, and with a device's certificate."""
    count, pids = int(bench.options.seconds * 250), bench.workers()
    device = login_seat(bench, PING_X)
    bench.side("bare", lambda: [Seat(payload=PING_X)])
    bench.side("mutual", lambda: [device])
    with peers.Nginx(bench.city.tls) as nginx:
        bench.load.open("nginx", "http", nginx.port, bench.ca, [Seat()])
        bench.load.open("nginx-mutual", "http", nginx.port_mutual, bench.ca, [device._replace(token="-", payload="-")])
        rounds = bench.keep("handshake", interleave(bench.options.rounds, {
            "product": lambda: shakes(bench.load, "bare", count, pids),
            "nginx": lambda: shakes(bench.load, "nginx", count, nginx.pids),
            "product mutual": lambda: shakes(bench.load, "mutual", count, pids),
            "nginx mutual": lambda: shakes(bench.load, "nginx-mutual", count, nginx.pids)}))
        bench.load.call("close", "nginx")
        bench.load.call("close", "nginx-mutual")
    return {"G8": rounds.ratio("product", "nginx", "cpu_us"),
            "G8.mutual": rounds.ratio("product mutual", "nginx mutual", "cpu_us")}


# ---- reads ----

def reads(bench: Bench, name: str, connection: peer.Connection, method: str, request, clients: int = 4) -> Callable[[], dict]:
    """One login that asks the same again and again: latency and CPU of server and PostgreSQL."""
    payload = request if isinstance(request, bytes) else request.SerializeToString()
    side = bench.side(name, lambda: [Seat(connection.device.certificate, connection.device.key, connection.token.hex(),
                                          payload=payload.hex() or "-")] * clients)

    def measure() -> dict:
        pids = {"server": bench.workers(), "postgres": postgres_pids(bench.city.cluster)}
        each = int(bench.options.seconds * 300)
        with Meter(**pids) as meter:
            seen = bench.load.closed(side, f"call:{peer.wire.Method.Value(method)}", each)
        return {"cpu_us": sum(meter.used.values()) / seen["requests"] * 1e6, "p50_ms": seen["p50_ms"], "p99_ms": seen["p99_ms"],
                **{f"{group}_us": used / seen["requests"] * 1e6 for group, used in meter.used.items()}}
    return measure


def figures_of(bench: Bench, code: str, connection: peer.Connection, name: str) -> Callable[[], dict]:
    request = peer.statistics.StatisticsRequest(programme=1, unit=bench.town.units[code], by=peer.statistics.BY_UNIT)
    return reads(bench, name, connection, "STATISTICS", request)


def measure_reads(bench: Bench) -> dict[str, Spread]:
    """Pulls and statistics beside a select by primary key, all through the server."""
    school = bench.town.office(20)
    seat = bench.town.seat(school, f"{towns.school_code(20)}-01")
    stream, subject = bytes.fromhex(seat.stream), bytes.fromhex(seat.subject)[:16]
    school.push(stream, seat.next_op, [office.hours(subject, 1) for _ in range(200)])
    bench.town.wait_assessed()  # standings are in the stream, too
    head = int(bench.city.cluster.sql(f"select head from head where stream = '{stream.hex()}'")[0][0])
    chief = bench.town.chief()
    pull = peer.ledger.PullRequest

    rounds = bench.keep("reads", interleave(bench.options.rounds, {
        "select": reads(bench, "select", school, "PING", peer.wire.PingRequest(payload=b"select" + subject)),
        "nothing": reads(bench, "nothing", school, "PULL", pull(stream=stream, cursor=head)),
        "100": reads(bench, "100", school, "PULL", pull(stream=stream, cursor=head - 100, limit=100)),
        "school": figures_of(bench, towns.school_code(0), chief, "school"),
        "district": figures_of(bench, "340103", chief, "district"),
        "city": figures_of(bench, "340100", chief, "city")}))
    return {f"G10.{name}": rounds.ratio(name, "select", "cpu_us") for name in ("nothing", "100")} | \
        {f"G11.{name}": rounds.ratio(name, "select", "cpu_us") for name in ("school", "district", "city")}


def measure_groupby(bench: Bench) -> dict[str, Spread]:
    """What a district's figure costs without roll-ups: a plain group by over so many rows of the ledger's own shape. Both in processor time, as all
    of G11: of the group by its backend's, which does without parallel workers; of the figure server's and PostgreSQL's, asked as in `reads`."""
    towns.fill_plain(bench.city.cluster, GROUPBY_ROWS)
    with towns.Session(bench.city.cluster) as session:
        def group_by() -> dict:
            with Meter(backend=[session.pid]) as meter:
                seconds = timed(lambda: session.ask(towns.GROUP_BY))
            return {"cpu_us": meter.used["backend"] * 1e6, "p50_ms": seconds * 1e3}

        rounds = bench.keep("group by", interleave(bench.options.rounds, {
            "groupby": group_by, "district": figures_of(bench, "340103", bench.town.chief(), "district")}))
    bench.city.cluster.sql("drop table lx.plain_fact")
    return {"G11.groupby": rounds.ratio("groupby", "district", "cpu_us")}


# ---- freshness ----

class Probe:
    """Pushes one record and asks for its school's figures until they have it. City, district and school change in one transaction, and in
    this school nobody else records."""

    def __init__(self, bench: Bench):
        self.school = bench.town.office(20)
        self.seat = bench.town.seat(self.school, f"{towns.school_code(20)}-02", 1)
        self.next_op = self.seat.next_op
        self.chief = bench.town.chief()
        self.request = peer.statistics.StatisticsRequest(programme=1, unit=bench.town.units[towns.school_code(20)], by=peer.statistics.BY_UNIT)

    def figures(self) -> peer.statistics.StatisticsReply:
        return self.chief.call("STATISTICS", self.request, peer.statistics.StatisticsReply)

    def wait_s(self) -> tuple[float, bool]:
        """From the acknowledgement until the figure shows it, and whether the reply says so, too (covers_at_least)."""
        unit, subject = bytes.fromhex(self.seat.stream), bytes.fromhex(self.seat.subject)[:16]
        self.request.ClearField("at_least")
        before = self.figures().lines[0].school_hours
        group = peer.ledger.PushGroup(stream=unit, first_op_seq=self.next_op,
                                      operations=[office.hours(subject, 1).SerializeToString()])
        answer = self.school.call("PUSH", peer.ledger.PushRequest(groups=[group]), peer.ledger.PushReply)
        acknowledged = time.monotonic()
        assert answer.groups[0].verdict == peer.ledger.GROUP_DONE, answer
        self.next_op += 1
        self.request.at_least.append(peer.statistics.AtLeast(stream=unit, seq=answer.groups[0].seq))
        while (seen := self.figures()).lines[0].school_hours == before:
            time.sleep(0.002)
        return time.monotonic() - acknowledged, seen.covers_at_least


def measure_fresh(bench: Bench) -> dict[str, Spread]:
    """A record's way from its acknowledgement into the city's figure, while others push at half the rate of G1."""
    probe, seconds = Probe(bench), max(5.0, bench.options.seconds * 2)

    def measure() -> dict:
        full = push(bench, wide(bench), 64, 100, bench.options.seconds)["rate"]
        # Teachers who have no records yet: in a few seconds they get as many as a teacher has in a year, not as in a hundred.
        side = bench.side(f"fresh{time.monotonic()}", lambda: bench.town.workshop_seats(range(21, 25)))
        bench.town.wait_assessed()
        probes = []
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            running = pool.submit(bench.load.paced, side, "push:100", seconds, full / 2 / 100)
            while not running.done():
                probes.append(probe.wait_s())
        bench.load.call("close", side)
        waits = [wait for wait, _ in probes]
        return {"rate": full / 2, "probes": len(waits), "told": sum(told for _, told in probes) / len(probes), "p50_s": statistics.median(waits),
                "p99_s": sorted(waits)[int(len(waits) * 0.99)], "push_p99_ms": running.result()["p99_ms"]}

    rounds = bench.keep("freshness", interleave(bench.options.rounds, {"product": measure}))
    return {"G14": rounds.of("product", "p99_s")}


# ---- scoring, and the client ----

def measure_assess(bench: Bench) -> dict[str, Spread]:
    """Subjects a second on one core, by the rules alone; the line of the teachers."""
    def measure() -> dict:
        out = lx.run([lx.BUILD / "tests/bench/bench_assess"]).stdout
        return {"rate": float(next(line for line in out.splitlines() if line.startswith("teachers")).split()[2].rstrip("/s"))}
    rounds = bench.keep("assess", interleave(bench.options.rounds, {"teachers": measure}))
    return {"G15.assess": rounds.of("teachers", "rate")}


def fill_records(load: Generator, city: lx.Deployment, seats: list[Seat], each: int) -> None:
    """So many records for every teacher, pushed by a few connections at a time."""
    for at in range(0, len(seats), FILL_SEATS):
        load.open("filling", "lx", city.server.port, city.tls / "ca.pem", seats[at:at + FILL_SEATS])
        load.closed("filling", f"push:{len(seats[at].subject) // 32}", each)
        load.call("close", "filling")


def fill_school(bench: Bench, number: int, teachers: int, facts: int) -> lx.Home:
    """A client of a school with so many teachers with so many records each, not yet synced."""
    code = towns.school_code(number)
    seat = bench.town.seat(bench.town.office(number), code, teachers)
    fill_records(bench.load, bench.city, [seat], facts)
    home = bench.city.home().enrol(code)
    account = f"reader{number}.{time.monotonic_ns()}"
    bench.city.user(account, "school_admin", code, office.PASSWORD)
    return home.login(account, office.PASSWORD)


def timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def measure_client(bench: Bench) -> dict[str, Spread]:
    """The command-line client as a school starts it: first sync of 10,000 records, and its start over 50,000."""
    small = fill_school(bench, 1, 100, 100)
    syncs = [timed(lambda: small.run("sync"))]
    for _ in range(bench.options.rounds - 1):
        fresh = fill_school(bench, 1, 1, 100)  # another device; its school has a hundred records more
        syncs.append(timed(lambda home=fresh: home.run("sync")))
    large = fill_school(bench, 2, 100, 500)
    large.run("sync")
    starts = [timed(lambda: large.run("status")) for _ in range(bench.options.rounds)]
    return {"G16.sync": Spread.of(syncs), "G16.start": Spread.of(starts)}


MEASURES: dict[str, Callable[[Bench], dict[str, Spread]]] = {
    "push": measure_push, "durable": measure_durable, "single": measure_single, "ping": measure_ping, "idle": measure_idle,
    "handshake": measure_handshake, "reads": measure_reads, "groupby": measure_groupby, "fresh": measure_fresh, "assess": measure_assess, "client": measure_client,
}
