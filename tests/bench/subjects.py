"""What a scale curve grows: a ledger, a crowd of connections, a push, a city's teachers.

Each is made in an ExitStack, grows to a point (never back), says how large it is, and has methods that measure for about so many
seconds and give numbers by name.
"""
import contextlib
import statistics
import time

import lx
import peer

import figures
import town as towns
from drive import Generator, Meter, Seat, backend_pids, cpu_s, load_generator, memory_kib, postgres_pids

CITY_WORKSHOPS = 8      # of a school
LEDGER_SEATS = 64
LEDGER_WAVES = 2        # pushes of each seat in a round: a city of a thousand rows shall not grow by much while it is measured
FILL_RECORDS = 100      # of a request
FILL_EACH = 200         # requests of a seat before its city is counted again
PAGE_ROWS = 100
TEACHER_RECORDS = 20
PINGERS = 10
PROCESS_CONNECTIONS = 18_000  # of one lianxiaod, and of one load generator: systems allow a process 20,000 descriptors, as this one does
# Of its processes: however slow the machine is, the crowd stays, and whoever logs in waits for his turn.
PATIENT = {"max_connections": 2 * PROCESS_CONNECTIONS, "idle_timeout_ms": 86_400_000, "db_wait_ms": 60_000}
LOGINS = 100            # of a second of measuring, all together
CALLS = 400             # of each of four clients
BATCH_CLIENTS = 16


def used_us(meter: Meter, count: int) -> dict:
    return {f"{name}_us": used / count * 1e6 for name, used in meter.used.items()}


def started(stack: contextlib.ExitStack, **settings) -> lx.Deployment:
    """A durable city of one worker. No checkpoint falls into what is measured: after each, a page that changes goes into the WAL as a whole once,
    in a large city more of them, and that is a cost of the interval between checkpoints."""
    city = stack.enter_context(lx.Deployment(durable=True, workers=1, **settings))
    psql(city, "alter system set checkpoint_timeout = '1d'", "alter system set max_wal_size = '100GB'", "select pg_reload_conf()")
    return city


def upkeep(city: lx.Deployment) -> None:
    """What autovacuum would do sooner or later is not done while something is measured."""
    psql(city, "vacuum (analyze)")


def psql(city: lx.Deployment, *statements: str) -> None:
    """Each for itself."""
    lx.run([lx.ROOT / "deploy/cluster", "psql", city.cluster.folder, "-q", *(word for one in statements for word in ("-c", one))], seconds=1200)


class Ledger:
    """A city without an assessor, so that nothing but its ledger grows. One seat's stream is only filled, and read."""

    def __init__(self, stack: contextlib.ExitStack):
        self.city = started(stack, dsn_assessor="")
        self.load = stack.enter_context(load_generator())
        seats_of_schools = LEDGER_SEATS + 1
        self.town = towns.Town(self.city, 1, CITY_WORKSHOPS)
        self.city.server.start()
        *pushing, self.reader = self.town.settle(seats_of_schools * towns.TEACHERS)
        self.stream = bytes.fromhex(self.reader.stream)
        self.open("push", pushing)
        self.open("reader", [self.reader])
        self.rows = self.read_rows = 0

    def open(self, name: str, seats: list[Seat]) -> None:
        self.load.open(name, "lx", self.city.server.port, self.city.tls / "ca.pem", seats)

    def pids(self) -> dict[str, list[int]]:
        return {"server": self.city.server.children("worker"), "postgres": postgres_pids(self.city.cluster)}

    def closed(self, records: int, each: int) -> dict:
        self.rows += LEDGER_SEATS * records * each
        return self.load.closed("push", f"push:{records}", each)

    def fill_reader(self, rows: int) -> None:
        each = -(-(rows - self.read_rows) // PAGE_ROWS)
        if each > 0:
            self.load.closed("reader", f"push:{PAGE_ROWS}", each)
            self.read_rows += each * PAGE_ROWS
            self.rows += each * PAGE_ROWS

    def grow(self, rows: int) -> None:
        self.fill_reader(max(PAGE_ROWS, rows // (LEDGER_SEATS + 1)))
        while self.rows < rows:
            missing = -(-(rows - self.rows) // LEDGER_SEATS)
            self.closed(min(FILL_RECORDS, missing), max(1, min(FILL_EACH, missing // FILL_RECORDS)))
        upkeep(self.city)

    def size(self) -> float:
        return self.rows

    def push(self, _: float) -> dict:
        """Pushes of ten records by all seats; the cost of a record."""
        before, count = self.wal_bytes(), LEDGER_SEATS * 10 * LEDGER_WAVES
        with Meter(**self.pids()) as meter:
            seen = self.closed(10, LEDGER_WAVES)
        return {**used_us(meter, count), "load_us": seen["cpu_s"] / count * 1e6, "p50_ms": seen["p50_ms"],
                "wal_bytes": (self.wal_bytes() - before) / count, "row_bytes": self.row_bytes()}

    def wal_bytes(self) -> float:
        return float(self.city.cluster.sql("select pg_current_wal_lsn() - '0/0'")[0][0])

    def row_bytes(self) -> float:
        """On disk, indexes and the runs of its push included."""
        return float(self.city.cluster.sql("select pg_total_relation_size('lx.fact') + pg_total_relation_size('lx.op_run')")[0][0]) / self.rows

    def pulls(self, seconds: float) -> dict:
        head, pull = self.read_head(), peer.ledger.PullRequest
        return {"nothing_us": self.pull("nothing", pull(stream=self.stream, cursor=head), seconds),
                "page_us": self.pull("page", pull(stream=self.stream, cursor=head - PAGE_ROWS, limit=PAGE_ROWS), seconds)}

    def read_head(self) -> int:
        return int(self.city.cluster.sql(f"select head from head where stream = '{self.stream.hex()}'")[0][0])

    def pull(self, name: str, request, seconds: float) -> float:
        """Processor time of server and PostgreSQL for one answer."""
        each = max(1, int(seconds * CALLS))
        self.open(name, [self.reader._replace(payload=request.SerializeToString().hex())] * 4)
        with Meter(**self.pids()) as meter:
            self.load.closed(name, f"call:{peer.wire.PULL}", each)
        self.load.call("close", name)
        return sum(meter.used.values()) / (4 * each) * 1e6


class Node:
    """A lianxiaod with one worker, and the generator whose connections it has."""

    def __init__(self, stack: contextlib.ExitStack, server: lx.Server, city: lx.Deployment, seat: Seat):
        self.server, self.city, self.seat, self.sides = server, city, seat, 0
        self.load: Generator = stack.enter_context(load_generator())
        self.pids = server.children("worker")
        self.open("ping", PINGERS)
        self.before_kib = memory_kib(self.pids)

    def open(self, side: str, count: int) -> None:
        """Connections that have logged in and had one answer."""
        self.load.open(side, "lx", self.server.port, self.city.tls / "ca.pem", [self.seat] * count)
        self.load.closed(side, figures.PING, 1)

    def add(self, count: int) -> None:
        self.sides += 1
        self.open(f"crowd{self.sides}", count)

    def grown_kib(self) -> int:
        return memory_kib(self.pids) - self.before_kib

    def login_s(self, count: int) -> float:
        """Processor time of so many connections more, which go again."""
        with figures.gone_afterwards(self.load, "logins", self.pids):
            before = cpu_s(self.pids)
            self.load.open("logins", "lx", self.server.port, self.city.tls / "ca.pem", [self.seat] * count)
            return cpu_s(self.pids) - before


class Crowd:
    """Idle logged-in connections, PROCESS_CONNECTIONS to a process, all on one database; a few more to each that ping."""

    def __init__(self, stack: contextlib.ExitStack):
        self.stack, self.nodes, self.count = stack, [], 0
        self.city = started(stack, **PATIENT)
        town = towns.Town(self.city, 1)
        self.city.server.start()
        office = town.office(0)
        self.seat = Seat(office.device.certificate, office.device.key, office.token.hex(), payload=figures.PING_X)
        self.add_node(self.city.server)

    def add_node(self, server: lx.Server) -> None:
        self.nodes.append(Node(self.stack, server, self.city, self.seat))

    def another_server(self) -> lx.Server:
        folder = self.city.folder / f"node-{len(self.nodes)}"
        folder.mkdir()
        server = lx.Server(folder, self.city.cluster.dsn, self.city.tls, workers=1, dsn_assessor="", security_journal=folder / "security.journal",
                           **PATIENT)
        self.stack.callback(server.stop)
        server.start()
        return server

    def grow(self, count: int) -> None:
        while self.count < count:
            place, inside = divmod(self.count, PROCESS_CONNECTIONS)
            if place == len(self.nodes):
                self.add_node(self.another_server())
            more = min(count - self.count, PROCESS_CONNECTIONS - inside)
            self.nodes[place].add(more)
            self.count += more

    def size(self) -> float:
        return self.count

    def ping(self, seconds: float) -> dict:
        """One process after the other, so that each has the machine as one alone has it."""
        each = max(1, int(seconds * 2000) // len(self.nodes))
        seen = [figures.calls(node.load, "ping", figures.PING, PINGERS, each, node.pids) for node in self.nodes]
        return {"ping_us": statistics.mean(one["cpu_us"] for one in seen), "p50_ms": statistics.mean(one["p50_ms"] for one in seen),
                "kib": sum(node.grown_kib() for node in self.nodes) / self.count}

    def login(self, seconds: float) -> dict:
        count = max(10, int(seconds * LOGINS) // len(self.nodes))
        return {"login_us": statistics.mean(node.login_s(count) for node in self.nodes) / count * 1e6}


class Batch:
    """Some clients whose pushes get larger."""

    def __init__(self, stack: contextlib.ExitStack):
        self.records = 0
        self.city = started(stack, dsn_assessor="")
        self.load = stack.enter_context(load_generator())
        town = towns.Town(self.city, 1, BATCH_CLIENTS)
        self.city.server.start()
        self.load.open("push", "lx", self.city.server.port, self.city.tls / "ca.pem", town.workshop_seats(range(1)))

    def grow(self, records: int) -> None:
        self.records = records

    def size(self) -> float:
        return self.records

    def push(self, seconds: float) -> dict:
        each = max(3, int(seconds * 40_000 / (self.records + 8) / BATCH_CLIENTS))  # a request costs about eight records
        with Meter(server=self.city.server.children("worker"), postgres=postgres_pids(self.city.cluster)) as meter:
            seen = self.load.closed("push", f"push:{self.records}", each)
        count = BATCH_CLIENTS * self.records * each
        return {**used_us(meter, count), "load_us": seen["cpu_s"] / count * 1e6, "p50_ms": seen["p50_ms"]}


class Teachers:
    """A city with its assessor, in which teachers with a year's records are settled."""

    def __init__(self, stack: contextlib.ExitStack):
        self.city = started(stack)
        self.load = stack.enter_context(load_generator())
        self.town = towns.Town(self.city, 1, CITY_WORKSHOPS)
        self.city.server.start()
        self.chief = self.town.chief()
        self.probe = None

    def grow(self, teachers: int) -> None:
        seats = self.town.settle(teachers)
        self.town.wait_assessed()  # a city enrols its people before they have records
        figures.fill_records(self.load, self.city, seats, TEACHER_RECORDS)
        self.town.wait_assessed()
        if self.probe is None:
            self.probe, self.seat, self.next_op = self.town.steward(range(1)), seats[0], 1
        upkeep(self.city)

    def size(self) -> float:
        return self.town.people

    def rescore(self, _: float) -> dict:
        """A changed scheme: the time until everybody is scored by it, and, for each teacher, processor time."""
        with Meter(assessor=self.city.server.children("assessor"), postgres=postgres_pids(self.city.cluster)) as meter:
            self.town.load_scheme()
            seconds = figures.timed(self.town.wait_assessed)
        disk = float(self.city.cluster.sql("select pg_database_size('lianxiao')")[0][0])
        return {**used_us(meter, self.town.people), "rescore_s": seconds, "disk_kib": disk / self.town.people / 1024,
                "assessor_mib": memory_kib(self.city.server.children("assessor")) / 1024}

    def live(self, seconds: float) -> dict:
        """One record at a time, and its way into the figures of the city; what the round costs that takes it there, with workshop and school."""
        times = max(2, int(seconds * 10))
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

    def figures(self, seconds: float) -> dict:
        return {f"{name}_us": self.statistics(code, max(1, int(seconds * CALLS))) for name, code in
                (("school", towns.school_code(0)), ("district", "340103"), ("city", "340100"))}

    def statistics(self, code: str, each: int) -> float:
        """Processor time of server and PostgreSQL for one answer: a unit's figures by unit."""
        request = peer.statistics.StatisticsRequest(programme=1, unit=self.town.units[code], by=peer.statistics.BY_UNIT)
        seat = Seat(self.chief.device.certificate, self.chief.device.key, self.chief.token.hex(), payload=request.SerializeToString().hex())
        self.load.open("ask", "lx", self.city.server.port, self.city.tls / "ca.pem", [seat] * 4)
        with Meter(server=self.city.server.children("worker"), postgres=postgres_pids(self.city.cluster)) as meter:
            self.load.closed("ask", f"call:{peer.wire.STATISTICS}", each)
        self.load.call("close", "ask")
        return sum(meter.used.values()) / (4 * each) * 1e6
