"""Followers: devices that pull all streams without a pause, while writers write and everything around them is disturbed.

Whenever a follower is told that it has a stream whole, the number and the digest of its rows must be the server's; at the
end its rows must be those of the database. A change that a pull has passed by can do neither.
"""
import pickle
import random
import time
from pathlib import Path

import client
import kills
import load
import lx
import peer

ledger = peer.ledger
LIVE, LEFT = ledger.ROW_LIVE, ledger.ROW_LEFT


class Skipped(AssertionError):
    """A row was passed by."""


class Replica:
    """The rows of one stream, with their digest."""

    def __init__(self):
        self.cursor, self.digest, self.rows = 0, 0, {}

    def drop(self, record: bytes) -> None:
        version, _ = self.rows.pop(record, (0, None))
        if version:
            self.digest ^= peer.row_digest(record, version)

    def take(self, row) -> None:
        if row.state == LEFT:
            for record in [r for r, (_, subject) in self.rows.items() if subject == row.subject]:
                self.drop(record)
            return
        self.drop(row.id)
        if row.state == LIVE:
            self.rows[row.id] = (row.version, row.subject)
            self.digest ^= peer.row_digest(row.id, row.version)

    def apply(self, reply, who: str) -> None:
        for row in reply.rows:
            if row.seq <= self.cursor:
                raise Skipped(f"{who}: {reply.stream.hex()} gives {row.seq} after {self.cursor}")
            self.cursor = row.seq
            self.take(row)
        self.cursor = reply.cursor
        if not reply.more and (len(self.rows), self.digest) != (reply.live_count, reply.digest):
            raise Skipped(f"{who}: {reply.stream.hex()} at {reply.head}: {len(self.rows)} rows here, {reply.live_count} there")


class Follower(client.Client):
    """Pulls one stream after the other; sometimes it begins one afresh."""

    def __init__(self, seat: client.Seat, folder: Path, seed: int, afresh: float = 0.05):
        super().__init__(seat, folder, seed)
        self.afresh, self.folder = afresh, folder
        self.replicas: dict = {}

    def pull(self, stream: bytes) -> None:
        if stream not in self.replicas or self.random.random() < self.afresh:
            self.replicas[stream] = Replica()
        replica = self.replicas[stream]
        while True:
            limit = self.random.choice([100, 500, 1000, 1000, 1000])
            reply = self.call("PULL", ledger.PullRequest(stream=stream, cursor=replica.cursor, limit=limit), ledger.PullReply)
            replica.apply(reply, self.seat.name)
            self.pulled += len(reply.rows)
            if not reply.more:
                return

    def step(self) -> None:
        self.pull(self.random.choice(self.streams))

    def finish(self) -> None:
        self.afresh = 0
        super().finish()
        rows = {s.hex(): {record.hex(): v for record, (v, _) in r.rows.items()} for s, r in self.replicas.items()}
        (self.folder / f"{self.seat.name}.rows").write_bytes(pickle.dumps(rows))


# ---- what disturbs ----

SLOW_WRITE = """begin;
insert into lx.fact (seq, occurred_at, received_at, district, programme, kind, flags, stream, id, subject, actor, item)
select lx.head_add(u.district, u.id, 1, lx.row_digest(i.id, 1)), '2021-11-15', now(), u.district, 1, 2, 0, u.id, i.id, u.id, u.id, 'slow'
from (select * from lx.unit where code = '{school}') u, (select lx.uuid7() as id) i;
select pg_sleep({seconds});
{end};
"""


def slow_write(city: lx.Deployment, rng: random.Random, end: str) -> None:
    """A transaction that has its number long before it is visible, or never is."""
    school = rng.choice([s for schools in load.SCHOOLS.values() for s in schools])
    text = SLOW_WRITE.format(school=school, seconds=rng.uniform(0.1, 1.5), end=end)
    lx.run([lx.ROOT / "deploy/cluster", "psql", city.cluster.folder], stdin=text)


def restart_server(city: lx.Deployment, _rng: random.Random) -> None:
    city.server.stop()
    city.server.start()


def restart_database(city: lx.Deployment, _rng: random.Random) -> None:
    city.cluster.stop()
    city.cluster.start()


DISTURBANCES = [
    lambda city, rng: slow_write(city, rng, "commit"), lambda city, rng: slow_write(city, rng, "rollback"),
    lambda city, rng: slow_write(city, rng, "commit"), lambda city, rng: slow_write(city, rng, "rollback"),
    restart_server, restart_database,
]


def compare(city: lx.Deployment, folder: Path, followers: int) -> int:
    """Every follower's rows are the database's. Returns how many rows that are."""
    stored: dict = {}
    for table, version in (("fact", "1"), ("person", "version"), ("membership", "version"), ("standing", "version")):
        for stream, record, number in city.cluster.sql(
                f"copy (select replace(stream::text, '-', ''), replace(id::text, '-', ''), {version} from {table}) to stdout"):
            stored.setdefault(stream, {})[record] = int(number)
    files = sorted(folder.glob("*.rows"))
    assert len(files) == followers, f"{len(files)} of {followers} followers have come to their end"
    compared = 0
    shared = city.cluster.sql("select replace(id::text, '-', '') from unit where level = 1")[0][0]
    for file in files:
        for stream, rows in pickle.loads(file.read_bytes()).items():
            if stream != shared and rows != stored.get(stream, {}):
                missing = set(stored.get(stream, {}).items()) - set(rows.items())
                raise Skipped(f"{file.stem}: {stream}: {len(missing)} rows were never given: {sorted(missing)[:5]}")
            compared += len(rows)
    return compared


def follow_under_load(city: lx.Deployment, folder: Path, seed: int, seconds: float, writers: int, followers: int,
                      environment: dict) -> dict:
    """The counts; Skipped or another AssertionError: a finding."""
    rng = random.Random(seed)
    load.build_town(city)
    city.server.environment = environment
    city.server.start()
    town = load.Town(city)
    schools = [s for below in load.SCHOOLS.values() for s in below]
    seats = [town.sit(folder, n, "school_admin", schools[n % len(schools)]) for n in range(writers)]
    watching = [town.sit(folder, n, "city_admin", "340100") for n in range(writers, writers + followers)]
    disturbed = 0
    with load.Fleet(seats, folder / "writers", seed, processes=1, reads=0.05) as writing, \
            load.Fleet(watching, folder / "followers", seed + 1, processes=2, kind=Follower) as following:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rng.choice(DISTURBANCES)(city, rng)
            disturbed += 1
            following.complain()
            writing.complain()
        following.await_progress()
        writing.finish()
        following.finish(when_quiet=lambda: kills.figures_done(city))
        rows, written = sum(following.pulled), sum(writing.acknowledged)
    return {"rows": rows, "skipped": 0, "disturbances": disturbed, "acknowledged": written,
            "compared": compare(city, folder / "followers", followers)}
