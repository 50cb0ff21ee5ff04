"""The city that is measured: schools with workshops, offices that are logged in, and PostgreSQL's own rate beside it."""
import os
from pathlib import Path

import lx
import office
import peer

from drive import Seat

WORKSHOPS = 16    # of each school
PUSH_MAX = 500    # operations of a request
TEACHERS = 40     # of each workshop that somebody pushes for
BATCH_ROWS = 500  # of one raw insert
BATCHES = 200     # of one round
BATCH_ARRAYS = {  # columns that differ from row to row, and how a row's value is made
    "stream": ("uuid", "md5((n % 256)::text)::uuid"), "seq": ("int8", "nextval('lx.raw_seq')"), "id": ("uuid", "lx.uuid7()"),
    "subject": ("uuid", "md5((n % 256)::text)::uuid"), "occurred_at": ("timestamptz", "now() - n * interval '1 minute'"),
    "quantity": ("int8", "n"),
}
BATCH_SAME = {"district": "1", "programme": "1", "kind": "4", "item": "'online'", "received_at": "now()", "flags": "0",
              "actor": "md5('a')::uuid"}


def school_code(number: int) -> str:
    return f"34010300{number:02d}"


def write_units(path: Path, schools: int) -> None:
    lines = ["code,name,level,parent,district", "340100,市,city,,0", "340103,区,district,340100,1"]
    for school in range(schools):
        code = school_code(school)
        lines.append(f"{code},学校{school},school,340103,1")
        lines += [f"{code}-{w:02d},坊{w},workshop,{code},1" for w in range(WORKSHOPS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Town:
    """A deployment with schools, one logged-in device each."""

    def __init__(self, city: lx.Deployment, schools: int):
        self.city = city
        self.offices: dict[int, peer.Connection] = {}
        self.people = 0
        units = city.folder / "units.csv"
        write_units(units, schools)
        city.ctl("unit", "import", units)
        city.ctl("programme", "start", lx.ROOT / "deploy/schemes/hefei-2021.yaml")

    def office(self, school: int) -> peer.Connection:
        """The school's own device and login."""
        if school not in self.offices:
            self.offices[school] = office.login(self.city, self.city.folder, "school_admin", school_code(school))
        return self.offices[school]

    def chief(self) -> peer.Connection:
        """The city's own login."""
        return office.login(self.city, self.city.folder, "city_admin", "340100")

    def seat(self, connection: peer.Connection, unit_code: str, teachers: int = TEACHERS) -> Seat:
        """A place that pushes for the unit: its roster has some teachers more."""
        unit = office.unit_id(self.city, unit_code)
        people, roster = [], []
        for _ in range(teachers):
            self.people += 1
            person, operations = office.teacher(unit, self.people)
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
        return 1 + int(self.city.cluster.sql(
            f"select coalesce(max(op_to), 0) from op_run where stream = '{unit.hex()}' and device = '\\x{connection.device.id.hex()}'")[0][0])

    def workshop_seats(self, schools: range) -> list[Seat]:
        return [self.seat(self.office(school), f"{school_code(school)}-{w:02d}") for school in schools for w in range(WORKSHOPS)]


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
