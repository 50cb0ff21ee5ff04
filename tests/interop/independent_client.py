#!/usr/bin/python3
"""A client written from proto/ alone, to prove that the page suffices: knows nothing of the C code.

Usage: independent_client.py HOST PORT CA.pem ENROLMENT-CODE ACCOUNT PASSWORD

Enrols a device, logs in as a school's administrator, pulls every stream and proves it, adds a teacher to the first
workshop and records hours, hears of it on a second connection, and asks for the figures. Prints a line "what: words"
for everything it saw; ends with 0 when nothing contradicted proto/README.md. (What Python's ssl can't do: check the
server's certificate at another time than the machine's.)
"""
import argparse
import collections
import csv
import hashlib
import importlib
import os
import random
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Optional

PROTO = Path(__file__).resolve().parents[2] / "proto"
HEADER = struct.Struct(">IHBBI")  # length, method, kind, flags, request id
REPLY_CAP = 4_194_304
DAY_MS, BEIJING_MS = 86_400_000, 8 * 3_600_000
lx = SimpleNamespace()  # every message, enum and enum value of the .proto files; see load_protocol


def say(what: str, words) -> None:
    print(f"{what}: {words}", flush=True)


def load_protocol(folder: Path) -> None:
    """Compiles proto/*.proto into `folder` and fills `lx`; `lx.reasons` has the rows of reasons.csv by number."""
    files = sorted(PROTO.glob("*.proto"))
    subprocess.run(["protoc", f"--proto_path={PROTO}", f"--python_out={folder}", *files], check=True)
    sys.path.insert(0, str(folder))
    for file in files:
        vars(lx).update(vars(importlib.import_module(f"{file.stem}_pb2")))
    with open(PROTO / "reasons.csv", encoding="utf-8", newline="") as lines:
        lx.reasons = {int(row["number"]): row for row in csv.DictReader(x for x in lines if not x.startswith("#"))}


class Refused(Exception):
    """An error frame, from its lx.Error."""

    def __init__(self, error):
        super().__init__(f"{lx.Code.Name(error.code)} {reason_text(error.reason)}")


def reason_text(reason) -> str:
    """The reason as a person reads it, from reasons.csv; the server's text when the number is not known."""
    row = lx.reasons.get(reason.reason)
    words = row["en"] if row else reason.text
    for parameter in reason.parameters:
        words = words.replace("{" + parameter.name + "}", parameter.value)
    return f"{row['id'] if row else '?'} [{reason.field}] {words}"


class Connection:
    """One TLS connection that has said Hello; `greeting` is the reply. Use as a context manager."""

    def __init__(self, place: SimpleNamespace, device: Optional[Path] = None, token: Optional[bytes] = None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(place.ca)
        context.set_alpn_protocols(["lianxiao/1"])
        if device:
            context.load_cert_chain(device / "device.pem", device / "device.key")
        plain = socket.create_connection((place.host, place.port), timeout=30)
        self.tls = context.wrap_socket(plain, server_hostname=place.host)
        self.buffer = b""
        self.last_id = 0
        self.methods = {}  # of unanswered requests, by id
        self.answers = {}  # that came before they were asked for, by id
        self.events = collections.deque()
        self.greeting = self.call("HELLO", lx.HelloRequest(protocol=1, program="independent 1", client_time_ms=now_ms(),
                                                           session_token=token))

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_):
        self.tls.close()

    def send(self, method: str, request) -> int:
        """Sends a request; its id."""
        self.last_id += 1
        payload = request.SerializeToString()
        self.tls.sendall(HEADER.pack(len(payload), lx.Method.Value(method), lx.REQUEST, 0, self.last_id) + payload)
        self.methods[self.last_id] = method
        return self.last_id

    def read_bytes(self, count: int) -> bytes:
        while len(self.buffer) < count:
            piece = self.tls.recv(65536)
            if not piece:
                raise EOFError("the server closed the connection")
            self.buffer += piece
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read_frame(self) -> None:
        """Reads one frame and puts it where it belongs."""
        length, method, kind, flags, request_id = HEADER.unpack(self.read_bytes(HEADER.size))
        assert length <= REPLY_CAP and flags == 0, (length, flags)
        payload = self.read_bytes(length)
        if kind == lx.EVENT and method == lx.NUDGE:
            self.events.append(lx.Nudge.FromString(payload))
            return
        name = self.methods.pop(request_id)
        assert method == lx.Method.Value(name) and kind in (lx.REPLY, lx.ERROR), (method, kind, name)
        if kind == lx.ERROR:
            self.answers[request_id] = Refused(lx.Error.FromString(payload))
        else:
            message = "".join(word.capitalize() for word in name.split("_")) + "Reply"
            self.answers[request_id] = getattr(lx, message).FromString(payload)

    def answer(self, request_id: int):
        """The reply to the request with that id; raises Refused."""
        while request_id not in self.answers:
            self.read_frame()
        answer = self.answers.pop(request_id)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def call(self, method: str, request):
        return self.answer(self.send(method, request))

    def nudge(self):
        while not self.events:
            self.read_frame()
        return self.events.popleft()


class Stream:
    """The live rows of one stream as this client has them."""

    def __init__(self, stream: bytes):
        self.id = stream
        self.cursor = 0
        self.rows = {}

    def apply(self, row) -> None:
        if row.state == lx.ROW_LIVE:
            self.rows[row.id] = row
        elif row.state == lx.ROW_GONE:
            self.rows.pop(row.id, None)
        elif row.state == lx.ROW_LEFT:
            self.rows = {key: mine for key, mine in self.rows.items() if mine.subject != row.subject}

    def pull(self, connection: Connection) -> None:
        """Pulls to the head and proves number and digest of the rows."""
        more = True
        while more:
            reply = connection.call("PULL", lx.PullRequest(stream=self.id, cursor=self.cursor, limit=100))
            for row in reply.rows:
                self.apply(row)
            self.cursor, more = reply.cursor, reply.more
        digest = 0
        for row in self.rows.values():
            digest ^= struct.unpack(">Q", hashlib.sha256(row.id + struct.pack(">Q", row.version)).digest()[:8])[0]
        assert (len(self.rows), digest) == (reply.live_count, reply.digest), "the rows are not those of the server"
        say("pulled", f"{self.id.hex()} to {self.cursor}, {len(self.rows)} rows, digest {digest:016x}")

    def bodies(self, body: str) -> list:
        return [getattr(row, body) for row in self.rows.values() if row.HasField(body)]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def new_id() -> bytes:
    """A UUID of version 7."""
    number = now_ms() << 80 | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62)
    return number.to_bytes(16, "big")


def enrol(place: SimpleNamespace, folder: Path, code: str) -> None:
    """Leaves device.key and device.pem in `folder`."""
    os.umask(0o077)
    request = subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                              "-keyout", folder / "device.key", "-subj", "/CN=device", "-outform", "DER"],
                             check=True, capture_output=True).stdout
    with Connection(place) as connection:
        try:
            connection.call("SCOPE", lx.ScopeRequest())
        except Refused as refusal:
            say("without a certificate", refusal)
        reply = connection.call("ENROL", lx.EnrolRequest(code=code, csr=request, label="independent client"))
    (folder / "device.pem").write_text(ssl.DER_cert_to_PEM_cert(reply.certificate), encoding="ascii")
    say("enrolled", reply.device.hex())


def push(connection: Connection, stream: bytes, first: int, operations: list):
    """Pushes one group of encoded operations; its answer."""
    request = lx.PushRequest(groups=[lx.PushGroup(stream=stream, first_op_seq=first, operations=operations)])
    answer = connection.call("PUSH", request).groups[0]
    say("pushed", f"{lx.GroupVerdict.Name(answer.verdict)} first {first} op_to {answer.op_to} expected {answer.expected}")
    for refused in answer.refused:
        say("refused", f"operation {refused.op_seq} {reason_text(refused.reason)}")
    return answer


def write_records(connection: Connection, workshop: bytes, programme, scope) -> SimpleNamespace:
    """Adds a teacher to the workshop and records hours for him, once well, once badly, twice; what was written."""
    scheme = lx.Scheme.FromString(programme.scheme)
    begin = next(stage.first_day for stage in scheme.stages if stage.code in scheme.hours.stages) * DAY_MS - BEIJING_MS
    person = lx.Person(id=new_id(), name="王小明", teacher_no=f"T{now_ms()}", certificate=True, in_post=True,
                       established=True, full_time=True)
    membership = lx.Membership(id=new_id(), person=person.id, programme=programme.number, unit=workshop,
                               role=lx.TEACHER, from_ms=begin)
    hours, negative = [lx.Fact(id=new_id(), programme=programme.number, kind=lx.CREDIT_HOURS, subject=person.id,
                               item="school", occurred_at_ms=begin + DAY_MS, quantity=quantity) for quantity in (150, -150)]
    roster, facts = [[lx.Operation(scope_version=scope.scope_version, **body).SerializeToString() for body in bodies]
                     for bodies in ([{"person": person}, {"membership": membership}], [{"fact": hours}, {"fact": negative}])]
    first = scope.next_op_seq[list(scope.streams).index(workshop)]
    push(connection, workshop, first, roster)
    seq = push(connection, workshop, first + 2, facts).seq
    push(connection, workshop, first + 2, facts)
    push(connection, workshop, first + 9, facts)
    names = {person.id: "person", membership.id: "membership", hours.id: "hours", negative.id: "negative hours"}
    return SimpleNamespace(person=person.id, names=names, seq=seq)


def ask_figures(connection: Connection, programme: int, school: bytes, position, person: bytes) -> None:
    """Statistics that contain `position`, and the person's standing."""
    question = lx.StatisticsRequest(programme=programme, unit=school, by=lx.BY_WORKSHOP, at_least=[position])
    figures = connection.call("STATISTICS", question)
    while not figures.covers_at_least:
        time.sleep(0.1)
        figures = connection.call("STATISTICS", question)
    for line in figures.lines:
        say("figures", f"{line.code} teachers {line.teachers} school_hours {line.school_hours}")
    standing = connection.call("STANDING", lx.StandingRequest(programme=programme, subject=person)).standing
    summary = lx.Receipt.FromString(standing.receipt).summary
    say("standing", f"{lx.StandingState.Name(standing.state)} school_hours {summary.school_hours}")


def work(place: SimpleNamespace, device: Path, account: str, password: str) -> None:
    """Everything after the enrolment."""
    with Connection(place, device) as connection:
        say("hello", f"device {connection.greeting.device.hex()} logged_in {connection.greeting.logged_in}")
        login = connection.call("LOGIN", lx.LoginRequest(account=account, password=password))
        say("login", f"{login.name}, token of {len(login.session_token)} bytes")
        scope = connection.call("SCOPE", lx.ScopeRequest())
        say("scope", f"{len(scope.streams)} streams, " + ", ".join(lx.Role.Name(g.role) for g in scope.grants))
        streams = {stream: Stream(stream) for stream in scope.streams}
        for stream in streams.values():
            stream.pull(connection)
        shared, school = streams[scope.streams[0]], scope.grants[0].unit
        programme = shared.bodies("programme")[0]
        workshop = min((unit for unit in shared.bodies("unit") if unit.parent == school), key=lambda unit: unit.code)
        say("workshop", f"{workshop.code} {workshop.name}")

        with Connection(place, device, login.session_token) as watcher:
            say("resumed", watcher.greeting.logged_in)
            say("subscribed", len(watcher.call("SUBSCRIBE", lx.SubscribeRequest(streams=list(streams))).heads))
            written = write_records(connection, workshop.id, programme, scope)
            nudge = watcher.nudge()
            while nudge.stream != workshop.id or nudge.head < written.seq:
                nudge = watcher.nudge()
            say("nudged", nudge.stream == workshop.id)
            streams[workshop.id].pull(watcher)
            say("came back", [name for key, name in written.names.items() if key in streams[workshop.id].rows])

        ask_figures(connection, programme.number, school, lx.AtLeast(stream=workshop.id, seq=written.seq), written.person)
        connection.call("LOGOUT", lx.LogoutRequest())
        try:
            connection.call("SCOPE", lx.ScopeRequest())
        except Refused as refusal:
            say("after logout", refusal)
    with Connection(place, device, login.session_token) as connection:
        say("token after logout", connection.greeting.logged_in)


def main() -> None:
    parser = argparse.ArgumentParser(description="A client of Lianxiao written from proto/ alone.")
    for name in ("host", "port", "ca", "code", "account", "password"):
        parser.add_argument(name, type=int if name == "port" else str)
    words = parser.parse_args()
    place = SimpleNamespace(host=words.host, port=words.port, ca=words.ca)
    with tempfile.TemporaryDirectory(prefix="lx-independent-") as folder:
        load_protocol(Path(folder))
        enrol(place, Path(folder), words.code)
        work(place, Path(folder), words.account, words.password)
    say("done", "yes")


if __name__ == "__main__":
    main()
