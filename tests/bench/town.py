"""The city that is measured: schools with workshops, offices that are logged in, and PostgreSQL's own rate beside it."""
import concurrent.futures
import itertools
import os
import subprocess
import threading
import time
from pathlib import Path

import lx
import office
import peer

from drive import Seat

WORKSHOPS = 16    # of each school
PUSH_MAX = 500    # operations of a request
TEACHERS = 40     # of each workshop that somebody pushes for
STEWARD_SCHOOLS = 25
BATCH_ROWS = 500  # of one raw insert
BATCHES = 200     # of one round
PLAIN_STEP = 500_000
BATCH_ARRAYS = {  # columns that differ from row to row, and how a row's value is made
    "stream": ("uuid", "md5((n % 256)::text)::uuid"), "seq": ("int8", "nextval('lx.raw_seq')"), "id": ("uuid", "lx.uuid7()"),
    "subject": ("uuid", "md5((n % 256)::text)::uuid"), "occurred_at": ("timestamptz", "now() - n * interval '1 minute'"),
    "quantity": ("int8", "n"),
}
BATCH_SAME = {"district": "1", "programme": "1", "kind": "4", "item": "'online'", "received_at": "now()", "flags": "0",
              "actor": "md5('a')::uuid"}


def school_code(number: int) -> str:
    return f"34010300{number:02d}"


def workshop_code(school: int, workshop: int) -> str:
    return f"{school_code(school)}-{workshop:02d}"


def write_units(path: Path, schools: int, workshops: int) -> None:
    lines = ["code,name,level,parent,district", "340100,市,city,,0", "340103,区,district,340100,1"]
    for school in range(schools):
        code = school_code(school)
        lines.append(f"{code},学校{school},school,340103,1")
        lines += [f"{workshop_code(school, w)},坊{w},workshop,{code},1" for w in range(workshops)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Town:
    """A deployment with schools, one logged-in device each."""

    def __init__(self, city: lx.Deployment, schools: int, workshops: int = WORKSHOPS):
        self.city, self.workshops = city, workshops
        self.offices: dict[int, peer.Connection] = {}
        self.units: dict[str, bytes] = {}
        self.used: set[tuple[bytes, bytes]] = set()
        self.people = self.settled = 0
        self.numbers = itertools.count(1)  # of teachers
        self.schemes = 1
        self.grow(schools)
        city.ctl("programme", "start", lx.ROOT / "deploy/schemes/hefei-2021.yaml")

    def grow(self, schools: int) -> None:
        """So many schools in all."""
        units = self.city.folder / "units.csv"
        write_units(units, schools, self.workshops)
        self.city.ctl("unit", "import", units)
        self.units = {code: bytes.fromhex(unit) for code, unit in
                      self.city.cluster.sql("select code, replace(id::text, '-', '') from unit")}

    def office(self, school: int) -> peer.Connection:
        """The school's own device and login."""
        if school not in self.offices:
            self.offices[school] = office.login(self.city, self.city.folder, "school_admin", school_code(school))
        return self.offices[school]

    def steward(self, schools: range) -> peer.Connection:
        """One login for many schools."""
        connection = office.login(self.city, self.city.folder, "school_admin", school_code(schools[0]))
        self.city.cluster.sql(f"select verdict from unnest(array{[school_code(s) for s in schools[1:]]}::text[]) code, "
                              f"lx.ops_grant_add('bench', '{connection.account}', 3, code, now() - interval '1 day', null, lx.uuid7())")
        return office.reconnect(self.city, connection)

    def chief(self) -> peer.Connection:
        """The city's own login."""
        return office.login(self.city, self.city.folder, "city_admin", "340100")

    def seat(self, connection: peer.Connection, unit_code: str, teachers: int = TEACHERS) -> Seat:
        """A place that pushes for the unit: its roster has some teachers more."""
        unit = self.units[unit_code]
        people, roster = [], []
        for _ in range(teachers):
            person, operations = office.teacher(unit, next(self.numbers))
            people.append(person.hex())
            roster += operations
        next_op = self.next_op(connection, unit)
        for at in range(0, len(roster), PUSH_MAX):
            answer = connection.push(unit, next_op, roster[at:at + PUSH_MAX])
            assert answer.verdict == peer.ledger.GROUP_DONE and not answer.refused, answer
            next_op += len(roster[at:at + PUSH_MAX])
        return Seat(connection.device.certificate, connection.device.key, connection.token.hex(), unit.hex(), "".join(people), next_op)

    def next_op(self, connection: peer.Connection, unit: bytes) -> int:
        """Of the device and stream, after all that it has pushed so far."""
        if (connection.device.id, unit) not in self.used:
            self.used.add((connection.device.id, unit))
            return 1
        return 1 + int(self.city.cluster.sql(
            f"select coalesce(max(op_to), 0) from op_run where stream = '{unit.hex()}' and device = '\\x{connection.device.id.hex()}'")[0][0])

    def workshop_seats(self, schools: range) -> list[Seat]:
        return [self.seat(self.office(school), workshop_code(school, w)) for school in schools for w in range(self.workshops)]

    def settle(self, teachers: int) -> list[Seat]:
        """Workshops of TEACHERS until the city has so many teachers, in new schools: the new seats. Two logins push at a time."""
        wanted = -(-teachers // TEACHERS)
        schools = -(-wanted // self.workshops)
        self.grow(schools)
        one_at_a_time = threading.Lock()

        def settle_some(served: range) -> list[Seat]:
            with one_at_a_time:  # an account's password goes through a file
                steward = self.steward(served)
            numbers = range(max(self.settled, served.start * self.workshops), min(wanted, served.stop * self.workshops))
            return [self.seat(steward, workshop_code(*divmod(n, self.workshops)), min(TEACHERS, teachers - n * TEACHERS)) for n in numbers]

        first = self.settled // self.workshops
        groups = [range(at, min(at + STEWARD_SCHOOLS, schools)) for at in range(first, schools, STEWARD_SCHOOLS)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            seats = [seat for found in pool.map(settle_some, groups) for seat in found]
        self.settled = wanted
        self.people += sum(len(seat.subject) // 32 for seat in seats)
        return seats

    def wait_assessed(self, seconds: float = 1800) -> None:
        """Until the assessor has read every stream and nothing is left on todo. Asks seldom: what asks takes processor time, too."""
        deadline = time.monotonic() + seconds
        while not self.city.cluster.is_assessed():
            assert time.monotonic() < deadline, f"the assessor has not caught up within {seconds} s"
            time.sleep(0.1)

    def load_scheme(self) -> None:
        """The same rules as a new version: everybody is assessed again."""
        self.schemes += 1
        changed = self.city.folder / "changed.yaml"
        text = (lx.ROOT / "deploy/schemes/hefei-2021.yaml").read_text(encoding="utf-8")
        changed.write_text(text.replace("\nversion: 1\n", f"\nversion: {self.schemes}\n"), encoding="utf-8")
        self.city.ctl("scheme", "load", changed)


# ---- raw PostgreSQL ----

def make_raw_table(cluster: lx.Cluster) -> None:
    """The product's fact table with its own indexes, empty, under another name; and one for the arrays of its rows."""
    not_null = {row[0] for row in cluster.sql(
        "select attname from pg_attribute where attrelid = 'lx.fact'::regclass and attnum > 0 and attnotnull "
        "and not atthasdef and not attisdropped")}
    assert not_null <= BATCH_ARRAYS.keys() | BATCH_SAME.keys(), f"the bench does not know {not_null - BATCH_ARRAYS.keys()}"
    arrays = ", ".join(f"{column} {kind}[]" for column, (kind, _) in BATCH_ARRAYS.items())
    cluster.sql("create table lx.raw_fact (like lx.fact including all); create sequence lx.raw_seq;"
                f"create sequence lx.raw_no; create table lx.raw_batch (no int8 primary key, {arrays})")


def raw_rate(cluster: lx.Cluster, connections: int = 2) -> float:
    """insert ... select unnest of 500 rows, arrays made before: no function, no counter. Rows a second."""
    made = ", ".join(f"array_agg({value})" for _, value in BATCH_ARRAYS.values())
    cluster.sql(f"truncate lx.raw_batch; alter sequence lx.raw_no restart; insert into lx.raw_batch "
                f"select b, {made} from generate_series(1, {BATCHES}) b, generate_series(1, {BATCH_ROWS}) n group by b")
    script = cluster.folder / "raw.sql"
    script.write_text(
        f"insert into lx.raw_fact ({', '.join([*BATCH_ARRAYS, *BATCH_SAME])}) select a.*, {', '.join(BATCH_SAME.values())} "
        f"from lx.raw_batch b, unnest({', '.join('b.' + column for column in BATCH_ARRAYS)}) a "
        "where b.no = (select nextval('lx.raw_no'));\n", encoding="utf-8")
    os.chmod(script, 0o644)
    out = lx.run(["/usr/lib/postgresql/15/bin/pgbench", "-n", "-M", "prepared", "-c", connections, "-j", "1",
                  "-t", BATCHES // connections, "-f", script, "-h", cluster.folder / "socket", "-U", "postgres",
                  "lianxiao"]).stdout
    return float(next(line for line in out.splitlines() if line.startswith("tps")).split()[2]) * BATCH_ROWS


def fill_plain(cluster: lx.Cluster, rows: int) -> None:
    """A table of the ledger's columns without any index, with so many rows of twenty indicators."""
    values = {**{column: value for column, (_, value) in BATCH_ARRAYS.items()}, **BATCH_SAME, "id": "md5(n::text)::uuid",
              "kind": "1 + n % 4", "item": "'item' || n % 20"}
    cluster.sql("create unlogged table lx.plain_fact (like lx.fact)")
    for at in range(0, rows, PLAIN_STEP):
        cluster.sql(f"insert into lx.plain_fact ({', '.join(values)}) select {', '.join(values.values())} "
                    f"from generate_series({at + 1}, {min(rows, at + PLAIN_STEP)}) n")
    cluster.sql("analyze lx.plain_fact")


# One district's figures by indicator, computed from its records; told as one line.
GROUP_BY = ("select string_agg(x::text, ' ') from (select f.kind, f.item, count(*), sum(f.quantity), min(f.occurred_at) "
            "from lx.plain_fact f where f.district = 1 and f.programme = 1 group by f.kind, f.item) x")


class Session:
    """A session of the superuser without parallel workers: what it asks, one backend does."""

    def __init__(self, cluster: lx.Cluster):
        self.process = subprocess.Popen([lx.ROOT / "deploy/cluster", "psql", cluster.folder, "-qtA"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, cwd=lx.ROOT)
        self.pid = int(self.ask("set max_parallel_workers_per_gather = 0; select pg_backend_pid()"))

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait(30)

    def ask(self, text: str) -> str:
        """The only line of the answer."""
        self.process.stdin.write(text + ";\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the session ended with {self.process.wait()}: {text}"
        return line.strip()
