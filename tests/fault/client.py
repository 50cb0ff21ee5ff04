"""One client of the load: an office with a device that pushes batches of everything and pulls, as fast as it is answered.

What it does comes from its seed. It notes what it is about to send and what was answered (history.py); whatever happens in
between it connects again and sends the same bytes, as a client must.
"""
import hashlib
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import history
import office
import peer

ledger = peer.ledger
QUIET = (OSError, EOFError, AssertionError, peer.ServerError)  # what a killed process looks like from outside
PATIENCE_S = 180
UNIT_MOVING = 346  # proto/reasons.csv
AT_MS = int(time.mktime((2021, 11, 15, 12, 0, 0, 0, 0, 0))) * 1000
FROM_MS = int(time.mktime((2021, 9, 1, 0, 0, 0, 0, 0, 0))) * 1000


@dataclass
class Seat:
    """A device with its login, and where it works."""
    name: str
    role: str
    unit: str
    address: str
    ca: Path
    device: peer.Device
    device_id: bytes
    token: bytes
    school: bytes = b""          # a school's office: its school
    places: list = field(default_factory=list)   # streams where it keeps people: workshops


@dataclass
class Teacher:
    person: bytes
    membership: bytes
    home: bytes
    number: int
    version: int = 1
    place_version: int = 1
    facts: list = field(default_factory=list)     # (id, kind) of own ones that can be voided
    plans: list = field(default_factory=list)     # submissions without an answer


class Client:
    """step() does one thing. on_answer is called after every answer of the server."""

    def __init__(self, seat: Seat, folder: Path, seed: int, batch: int = 200, reads: float = 0.3):
        self.seat, self.batch, self.reads = seat, batch, reads
        self.random = random.Random(seed)
        self.history = history.Writer(folder / f"{seat.name}.jsonl", seat.device_id, seat.name, seat.role, seat.unit)
        self.on_answer = lambda: None
        self.slow = folder / f"{seat.name}.slow"  # why it is not answered for so long
        self.connection = None
        self.streams: list[bytes] = []
        self.next_op: dict[bytes, int] = {}
        self.cursors: dict[bytes, int] = {}
        self.teachers: list[Teacher] = []
        self.acknowledged = self.refused = self.repeats = self.pulled = 0

    # ---- talking ----

    def call(self, method: str, request, reply_type):
        """The answer, however often the connection breaks: within PATIENCE_S."""
        started = time.monotonic()
        deadline = started + PATIENCE_S
        while True:
            try:
                if self.connection is None:
                    self.connect()
                reply = self.connection.call(method, request, reply_type, 30)
                self.on_answer()
                return reply
            except QUIET as fault:
                if isinstance(fault, peer.ServerError) and fault.error.code not in (
                        peer.wire.UNAVAILABLE, peer.wire.RESOURCE_EXHAUSTED, peer.wire.ABORTED, peer.wire.DEADLINE_EXCEEDED):
                    raise
                if time.monotonic() > deadline:
                    raise AssertionError(f"{self.seat.name}: the queue does not drain: {fault!r}") from fault
                if time.monotonic() > started + 10:
                    self.slow.write_text(f"{method}: {fault!r}\n", encoding="utf-8")
                self.disconnect()
                time.sleep(self.random.uniform(0.02, 0.1))

    def connect(self) -> None:
        connection = peer.Connection(self.seat.address, self.seat.ca, self.seat.device)
        try:
            assert connection.hello(self.seat.token).logged_in
        except BaseException:
            connection.close()
            raise
        self.connection = connection

    def disconnect(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def open(self) -> None:
        scope = self.call("SCOPE", peer.account.ScopeRequest(), peer.account.ScopeReply)
        self.streams = list(scope.streams)
        self.next_op.update(zip(scope.streams, scope.next_op_seq))

    def push(self, stream: bytes, entries: list, operations: list):
        """The answer; afterwards the operations have their place whatever it said of each."""
        first = self.next_op[stream]
        group = ledger.PushGroup(stream=stream, first_op_seq=first, operations=operations)
        self.history.send(stream, first, entries)
        answer = self.call("PUSH", ledger.PushRequest(groups=[group]), ledger.PushReply).groups[0]
        while answer.reason.reason == UNIT_MOVING:  # between two districts: nothing is stored, the same again
            time.sleep(0.1)
            answer = self.call("PUSH", ledger.PushRequest(groups=[group]), ledger.PushReply).groups[0]
        self.history.ack(stream, first, len(operations), answer)
        assert answer.verdict in (ledger.GROUP_DONE, ledger.GROUP_REPEATED), f"{self.seat.name}: {answer}"
        self.next_op[stream] = first + len(operations)
        self.acknowledged += len(operations)
        self.refused += len(answer.refused)
        self.repeats += answer.verdict == ledger.GROUP_REPEATED
        return {r.op_seq - first for r in answer.refused}

    # ---- operations ----

    @staticmethod
    def entry(operation, payload: bytes) -> list:
        digest = hashlib.sha256(payload).digest()[:16].hex()
        if operation.HasField("fact"):
            fact = operation.fact
            return [fact.kind, fact.id.hex(), digest, fact.of.hex(), fact.source_key.hex(),
                    [fact.subject.hex(), fact.item, fact.quantity]]
        if operation.HasField("person"):
            return [history.PERSON, operation.person.id.hex(), digest, "", "", None]
        return [history.MEMBERSHIP, operation.membership.id.hex(), digest, "", "", None]

    def send(self, stream: bytes, operations: list) -> set:
        payloads = [o.SerializeToString() for o in operations]
        return self.push(stream, [self.entry(o, p) for o, p in zip(operations, payloads)], payloads)

    def fact(self, teacher: Teacher, kind: int, **fields):
        return ledger.Operation(fact=ledger.Fact(id=peer.uuid7(), programme=1, kind=kind, subject=teacher.person,
                                                 occurred_at_ms=AT_MS, **fields))

    def make_fact(self, teacher: Teacher):
        """One of what an office records of its teachers, mostly hours."""
        choice = self.random.random()
        if choice < 0.58:
            return self.fact(teacher, ledger.CREDIT_HOURS, item=self.random.choice(["school", "online"]),
                             quantity=self.random.randint(1, 60))
        if choice < 0.60:
            key = hashlib.sha256(f"{self.seat.name} {self.random.randint(0, 5000)}".encode()).digest()
            return self.fact(teacher, ledger.CREDIT_HOURS, item="online", quantity=100, source_key=key)
        if choice < 0.75:
            return self.fact(teacher, ledger.DISCUSSION, item=f"topic {self.random.randint(1, 99)}")
        if choice < 0.85:
            return self.fact(teacher, ledger.ATTENDANCE, item=f"activity {self.random.randint(1, 99)}", quantity=100)
        if choice < 0.90:
            operation = self.fact(teacher, ledger.SUBMITTED, item="t.plan")
            operation.submission.title = "研修计划"
            operation.submission.fields.add(key="content", value="计划 " * self.random.randint(1, 30))
            return operation
        if choice < 0.95 and teacher.plans:
            return self.fact(teacher, ledger.ACCEPTED, of=teacher.plans.pop())
        if teacher.facts:
            return self.fact(teacher, ledger.VOID, of=teacher.facts.pop(self.random.randrange(len(teacher.facts)))[0])
        return self.fact(teacher, ledger.GRADE, item="t.school_based", quantity=self.random.randint(0, 1000))

    def push_facts(self, count: int) -> None:
        stream = self.random.choice([t.home for t in self.teachers])
        here = [t for t in self.teachers if t.home == stream]
        made = []
        for _ in range(count):
            teacher = self.random.choice(here)
            made.append((teacher, self.make_fact(teacher)))
        refused = self.send(stream, [operation for _, operation in made])
        for place, (teacher, operation) in enumerate(made):
            if place in refused or operation.fact.kind in (ledger.VOID, ledger.ACCEPTED):
                continue
            if operation.fact.kind == ledger.SUBMITTED:
                teacher.plans.append(operation.fact.id)
            elif len(teacher.facts) < 50 and not operation.fact.source_key:
                teacher.facts.append((operation.fact.id, operation.fact.kind))

    def push_school(self, count: int) -> None:
        operations = [ledger.Operation(fact=ledger.Fact(
            id=peer.uuid7(), programme=1, kind=ledger.DISCUSSION, subject=self.seat.school, occurred_at_ms=AT_MS,
            item=f"theme {self.random.randint(1, 99)}")) for _ in range(count)]
        self.send(self.seat.school, operations)

    def person(self, teacher: Teacher, seen: int):
        return ledger.Operation(person_version=seen, person=ledger.Person(
            id=teacher.person, name=f"教师{teacher.number}.{seen}", certificate=True, in_post=True, established=True))

    def membership(self, teacher: Teacher, record: bytes, unit: bytes, seen: int, until=None):
        return ledger.Operation(membership_version=seen, membership=ledger.Membership(
            id=record, person=teacher.person, programme=1, unit=unit, role=ledger.TEACHER,
            from_ms=FROM_MS + teacher.place_version * 1000, until_ms=until))

    def hire(self) -> None:
        teacher = Teacher(peer.uuid7(), peer.uuid7(), self.random.choice(self.seat.places), len(self.teachers) + 1)
        operations = [self.person(teacher, 0), self.membership(teacher, teacher.membership, teacher.home, 0)]
        if not self.send(teacher.home, operations):
            self.teachers.append(teacher)

    def rename(self) -> None:
        teacher = self.random.choice(self.teachers)
        if not self.send(teacher.home, [self.person(teacher, teacher.version)]):
            teacher.version += 1

    def move(self) -> None:
        """The end of the old place to the old stream, then a new one to the new stream."""
        teacher = self.random.choice(self.teachers)
        target = self.random.choice(self.seat.places)
        if target == teacher.home:
            return
        end = FROM_MS + (teacher.place_version + 1) * 1000
        if self.send(teacher.home, [self.membership(teacher, teacher.membership, teacher.home, 1, end)]):
            return
        teacher.place_version += 1
        teacher.membership = peer.uuid7()
        if not self.send(target, [self.membership(teacher, teacher.membership, target, 0)]):
            teacher.home = target

    # ---- reading ----

    def pull(self, stream: bytes) -> None:
        """To the head, in pages of any size; sometimes from the start."""
        if self.random.random() < 0.02:
            self.history.forget(stream)
            self.cursors[stream] = 0
        while True:
            limit = self.random.choice([7, 50, 200, 1000, 1000])
            cursor = self.cursors.get(stream, 0)
            try:
                reply = self.call("PULL", ledger.PullRequest(stream=stream, cursor=cursor, limit=limit), ledger.PullReply)
            except peer.ServerError as fault:
                ahead = fault.error.code == peer.wire.OUT_OF_RANGE
                assert not ahead, f"I4: {self.seat.name}: {stream.hex()} was at {cursor}, now behind it: {fault}"
                raise
            self.history.pull(cursor, reply)
            self.cursors[stream] = reply.cursor
            self.pulled += len(reply.rows)
            if not reply.more:
                return

    def pull_everything(self) -> None:
        for stream in self.streams:
            self.pull(stream)

    # ---- the mix ----

    def size(self) -> int:
        return min(self.random.choice([1, 2, 5, 20, 50, 100, 200]), self.batch)

    def step(self) -> None:
        choice = self.random.random()
        if choice < self.reads or not self.seat.places:
            self.pull(self.random.choice(self.streams))
        elif not self.teachers or (choice > 0.97 and len(self.teachers) < 12):
            self.hire()
        elif choice > 0.95:
            self.rename()
        elif choice > 0.92:
            self.move()
        elif self.seat.role != "school_admin":
            self.pull(self.random.choice(self.streams))
        elif choice > 0.88:
            self.push_school(self.size())
        else:
            self.push_facts(self.size())

    def run(self, stopping: threading.Event) -> None:
        self.open()
        while not stopping.is_set():
            self.step()

    def finish(self) -> None:
        self.pull_everything()
        self.disconnect()
        self.history.close()
