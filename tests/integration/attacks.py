"""What malformed.csv calls an attack: one function per row, which may be repeated as often as one likes and returns what came back, as words: ids of
reasons, "served", "closed" and the like. They go against a Target; test_malformed_table.py looks at the server meanwhile.
"""
import contextlib
import socket
import ssl
import struct
import subprocess
import sys
from pathlib import Path

import lx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import bundler  # noqa: E402  (the path comes first)
import office  # noqa: E402
import peer  # noqa: E402

wire, ledger, account, bundle = peer.wire, peer.ledger, peer.account, peer.bundle
SCHOOL, WORKSHOP, FOREIGN_WORKSHOP, FOREIGN_DISTRICT_UNIT = "3401030001", "3401030001-01", "3401040001-01", "3401040001"
PATIENCE_S = 60
NIL = bytes(16)
HELLO = b"\x08\x01"  # protocol: 1
REASONS = {int(line.split(",")[0]): line.split(",")[1] for line in (lx.ROOT / "proto/reasons.csv").read_text(encoding="utf-8").splitlines()
           if line[:1].isdigit()}
CAP_SMALL, CAP_LARGE = 4096, 1048576
ATTACKS = {}  # by name


def attack(function):
    ATTACKS[function.__name__] = function
    return function


class Target:
    """The city that is attacked. What is dear (enrolments, logins) is made once and used by all attacks."""

    def __init__(self, city: lx.Deployment, folder: Path):
        self.city, self.folder = city, folder
        self.streams = {code: office.unit_id(city, code) for code in (WORKSHOP, FOREIGN_WORKSHOP)}
        self.school = office.login(city, folder, "school_admin", SCHOOL)
        self.carrier = office.login(city, folder, "head", FOREIGN_WORKSHOP)
        self.next = {}
        self.person = self._teacher(900001)
        self.kept = {}

    def close(self) -> None:
        self.school.close()
        self.carrier.close()

    def _teacher(self, no: int) -> bytes:
        person, roster = office.teacher(self.streams[WORKSHOP], no)
        assert self.push(roster) == {"served"}
        return person

    def ready(self) -> peer.Connection:
        """The login of the school, on a new connection when an attack has cost the last one."""
        if self.school.socket.fileno() < 0:
            self.school = office.reconnect(self.city, self.school)
        return self.school

    @contextlib.contextmanager
    def fresh(self, hello: bool = True):
        """A connection without a device."""
        with peer.Connection(self.city.server.address, self.city.tls / "ca.pem") as connection:
            connection.socket.settimeout(PATIENCE_S)
            if hello:
                connection.hello()
            yield connection

    @contextlib.contextmanager
    def bare(self):
        """TCP alone."""
        with socket.create_connection(("127.0.0.1", self.city.server.port), PATIENCE_S) as raw:
            yield raw

    def push(self, operations: list, stream: bytes = None, first: int = None) -> set:
        """Operations, encoded or not, as the school's next ones: what became of them."""
        stream = stream or self.streams[WORKSHOP]
        if stream not in self.next:
            scope = self.ready().scope()
            self.next.update(zip(scope.streams, scope.next_op_seq))
        encoded = [operation if isinstance(operation, bytes) else operation.SerializeToString() for operation in operations]
        group = ledger.PushGroup(stream=stream, first_op_seq=first or self.next[stream], operations=encoded)
        try:
            told = self.ready().call("PUSH", ledger.PushRequest(groups=[group]), ledger.PushReply, PATIENCE_S).groups[0]
        except peer.ServerError as refused:
            return {REASONS[refused.error.reason.reason]}
        if told.verdict in (ledger.GROUP_DONE, ledger.GROUP_REPEATED):
            self.next[stream] = max(self.next[stream], told.op_to + 1)
        return verdict(told, len(operations))

    def once(self, name: str, make):
        """`make()` at the first call; attacks that are repeated send the same again."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]


def verdict(told, count: int) -> set:
    if told.verdict == ledger.GROUP_REFUSED:
        return {REASONS[told.reason.reason]}
    if told.verdict != ledger.GROUP_DONE:
        return {ledger.GroupVerdict.Name(told.verdict).removeprefix("GROUP_").lower()}
    return {REASONS[refused.reason.reason] for refused in told.refused} | ({"served"} if len(told.refused) < count else set())


# ---- pieces ----

def varint(value: int) -> bytes:
    out = b""
    while value >= 128:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(tag: int, payload: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(payload)) + payload


def number(method: str) -> int:
    return wire.Method.Value(method)


def answer(connection) -> str:
    """What the next answer says."""
    while True:
        try:
            _, kind, _, payload = connection.read_frame()
        except (EOFError, ConnectionResetError, ssl.SSLError):
            connection.close()
            return "closed"
        if kind == wire.REPLY:
            return "served"
        if kind == wire.ERROR:
            return REASONS[wire.Error.FromString(payload).reason.reason]


def asked(connection, method: str, payload: bytes = b"") -> set:
    connection.send(number(method), payload)
    return {answer(connection)}


def request(target: Target, method: str, payload: bytes) -> set:
    return asked(target.ready(), method, payload)


def answers_until_closed(connection) -> set:
    seen = set()
    while "closed" not in seen:
        seen.add(answer(connection))
    return seen


def until_closed(raw) -> set:
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while raw.recv(4096):
            pass
    return {"closed"}


# ---- frames ----

@attack
def empty_frame(target):
    with target.fresh() as connection:
        return asked(connection, "PING")


@attack
def length_all_ones(target):
    with target.fresh() as connection:
        connection.socket.sendall(peer.HEADER.pack(0xFFFFFFFF, number("PING"), 1, 0, 5))
        return answers_until_closed(connection)


@attack
def length_over_the_cap(target):
    with target.fresh() as connection:
        connection.socket.sendall(peer.HEADER.pack(CAP_SMALL + 1, number("PING"), 1, 0, 5))
        return answers_until_closed(connection)


@attack
def length_over_the_cap_of_logins(target):
    connection = target.ready()
    connection.socket.sendall(peer.HEADER.pack(CAP_LARGE + 1, number("PUSH"), 1, 0, 5))
    return answers_until_closed(connection)


@attack
def length_over_the_methods_cap(target):
    return request(target, "PULL", b"\xfa\x7f" + varint(CAP_SMALL) + bytes(CAP_SMALL))


@attack
def truncated_then_closed(target):
    with target.fresh() as connection:
        connection.socket.sendall((peer.HEADER.pack(5, number("PING"), 1, 0, 5) + b"\x0a\x03abc")[:14])
        socket.socket.shutdown(connection.socket, socket.SHUT_WR)  # of TCP; TLS goes on reading
        return answers_until_closed(connection)


@attack
def one_byte_a_segment(target):
    with target.fresh() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in peer.HEADER.pack(5, number("PING"), 1, 0, 5) + b"\x0a\x03abc":
            connection.socket.sendall(bytes([byte]))
        return {answer(connection)}


@attack
def two_frames_in_one_segment(target):
    with target.fresh() as connection:
        connection.socket.sendall(b"".join(peer.HEADER.pack(0, number("PING"), 1, 0, i) for i in (1, 2)))
        return {answer(connection), answer(connection)}


@attack
def unknown_method(target):
    return request(target, "PING", b"") - {"served"} | raw_method(target, 4711) | raw_method(target, 65535)


def raw_method(target, method: int) -> set:
    connection = target.ready()
    connection.send(method, b"rubbish")
    return {answer(connection)}


@attack
def flags(target):
    connection = target.ready()
    connection.socket.sendall(peer.HEADER.pack(2, number("PING"), 1, 1, 3) + b"\x1f\x8b")  # as gzip begins
    return {answer(connection)}


# ---- messages ----

def nested(levels: int, tag: int = 1) -> bytes:
    message = b""
    for _ in range(levels):
        message = field(tag, message)
    return message


@attack
def unknown_fields(target):
    return request(target, "PING", b"\xf8\x7f\x01" + field(2047, b"x" * 100) + b"\x0a\x01x")


@attack
def nested_in_unknown_fields(target):
    return request(target, "PING", nested(200, 3))


@attack
def nested_in_a_request(target):
    return request(target, "PUSH", nested(200))


@attack
def nested_in_an_operation(target):
    return target.push([nested(300, 15)]) | target.push([nested(300, 1)]) | target.push([nested(300, 8)])


@attack
def a_million_empty_elements(target):
    return request(target, "PUSH", b"\x0a\x00" * 500_000) | request(target, "SUBSCRIBE", b"\x0a\x00" * 500_000)


@attack
def varint_over_10_bytes(target):
    return request(target, "PULL", b"\x10" + b"\x80" * 10 + b"\x01") | request(target, "PULL", b"\x10" + b"\xff" * 9 + b"\x02")


@attack
def wrong_wire_type(target):
    return request(target, "PULL", b"\x0d\x01\x02\x03\x04") | request(target, "PULL", b"\x0b\x0c") | request(target, "PULL", b"\x0f")


@attack
def repeated_singular_field(target):
    return request(target, "PULL", b"\x10\x01\x10\x01") | request(target, "PUSH", field(1, b"\x10\x01\x10\x02"))


@attack
def negative_enum(target):
    return request(target, "GRANT", b"\x10" + b"\xff" * 9 + b"\x01")


@attack
def text_with_nul(target):
    return request(target, "GRANT", field(1, b"ab\0cd"))


@attack
def text_overlong(target):
    return request(target, "GRANT", field(1, b"\xc0\xaf")) | request(target, "GRANT", field(1, b"\xc0\x80"))


@attack
def text_with_surrogate(target):
    return request(target, "GRANT", field(1, b"\xed\xa0\x80"))


def named(target, text: str) -> set:
    """A person's new name, and a user's."""
    person = ledger.Person(id=target.person, name=text, teacher_no="T900001")
    user = account.UserAddRequest(account="malformed.name", name=text, unit_code=WORKSHOP)
    return target.push([ledger.Operation(person=person, person_version=1)]) | request(target, "USER_ADD", user.SerializeToString())


@attack
def bidi_names(target):
    return named(target, "a\u202eb") | named(target, "a\u2067b")


@attack
def control_names(target):
    return named(target, "a\u0007b") | named(target, "a\u009bb") | named(target, "a\nb")


# ---- records ----

def hours(target, **changes) -> ledger.Operation:
    operation = office.hours(target.person, 100)
    for name, value in changes.items():
        setattr(operation.fact, name, value)
    return operation


@attack
def nil_id(target):
    return target.push([hours(target, id=NIL)])


@attack
def id_of_another_version(target):
    other, variant = bytearray(peer.uuid7()), bytearray(peer.uuid7())
    other[6], variant[8] = 0x4F, 0xC0
    return target.push([hours(target, id=bytes(other)), hours(target, id=bytes(variant))])


@attack
def op_seq_gap(target):
    target.push([hours(target, quantity=0)])
    return target.push([hours(target)], first=target.next[target.streams[WORKSHOP]] + 1) | target.push([hours(target)], first=2**63 - 1000)


def recorded(target) -> tuple:
    """A record that is stored, and its number."""
    operation = hours(target)
    assert target.push([operation]) == {"served"}
    return target.next[target.streams[WORKSHOP]] - 1, operation.SerializeToString()


@attack
def op_seq_repeat(target):
    first, operation = target.once("repeat", lambda: recorded(target))
    return target.push([operation], first=first)


@attack
def op_seq_rollback(target):
    """What was sent before, with something new behind it in the numbers of others that came since."""
    first, operation = target.once("rollback", lambda: recorded(target))
    later, second = target.once("rollback2", lambda: recorded(target))
    assert later > first
    return target.push([operation], first=first) | target.push([second], first=later)


@attack
def same_key_with_another_payload(target):
    """Each time on a device of its own, since that device is frozen then. (Its first record is refused, so that nothing is stored.)"""
    head = target.once("head", lambda: office.login(target.city, target.folder, "head", WORKSHOP))
    told = set()
    with peer.Connection(target.city.server.address, target.city.tls / "ca.pem", office.enrol(target.city, target.folder, WORKSHOP)) as connection:
        connection.hello()
        connection.login(head.account, head.password)
        for quantity in (0, 100, 200):
            operation = hours(target, quantity=quantity).SerializeToString()
            group = ledger.PushGroup(stream=target.streams[WORKSHOP], first_op_seq=1, operations=[operation])
            reply = connection.call("PUSH", ledger.PushRequest(groups=[group]), ledger.PushReply, PATIENCE_S)
            told |= verdict(reply.groups[0], 1)
    return told


@attack
def nan_in_a_record(target):
    """There is no float in the protocol: the bits of NaN and of infinity in place of a whole number, and as text."""
    odd = [struct.pack("<d", float("nan")), struct.pack("<d", float("inf"))]
    fact = hours(target).fact
    fact.ClearField("quantity")
    quantity = [field(1, fact.SerializeToString() + b"\x41" + bits) for bits in odd]
    return target.push(quantity) | target.push([hours(target, item="NaN"), hours(target, item="Infinity")])


@attack
def negative_hours(target):
    return target.push([hours(target, quantity=-1), hours(target, quantity=-2**63)])


@attack
def too_many_hours(target):
    return target.push([hours(target, quantity=2500), hours(target, quantity=2**63 - 1)])


@attack
def year_0001(target):
    return target.push([hours(target, occurred_at_ms=-62135596800000), hours(target, occurred_at_ms=-2**63)])


@attack
def year_9999(target):
    return target.push([hours(target, occurred_at_ms=253402300799999), hours(target, occurred_at_ms=2**63 - 1)])


# ---- cursors ----

def pulled(target, stream: bytes, cursor: int) -> set:
    return request(target, "PULL", ledger.PullRequest(stream=stream, cursor=cursor).SerializeToString())


@attack
def cursor_forged(target):
    return pulled(target, target.streams[WORKSHOP], 2**64 - 1) | pulled(target, peer.uuid7(), 1)


@attack
def cursor_foreign(target):
    return pulled(target, target.streams[FOREIGN_WORKSHOP], 1)


@attack
def cursor_ahead(target):
    return pulled(target, target.streams[WORKSHOP], 2**63 - 1)


@attack
def cursor_too_old(target):
    """From before tombstones were taken away: the page begins the stream anew."""
    stream = target.streams[WORKSHOP]
    target.once("floor", lambda: target.city.cluster.sql(
        f"update head set floor = greatest(floor, 2) where stream = '{stream.hex()}'"))
    reply = target.ready().call("PULL", ledger.PullRequest(stream=stream, cursor=1, began=1), ledger.PullReply, PATIENCE_S)
    return {"snapshot"} if reply.snapshot and reply.rows else {"served"}


# ---- order ----

@attack
def before_login(target):
    with target.fresh(hello=False) as connection:
        told = asked(connection, "PING")
    with target.fresh() as connection:
        told |= asked(connection, "PUSH") | asked(connection, "LOGIN")
    with peer.Connection(target.city.server.address, target.city.tls / "ca.pem", target.ready().device) as connection:
        connection.hello()
        return told | asked(connection, "SCOPE")


@attack
def second_login(target):
    """The login of the same device and account takes the place of the first; then it is taken back."""
    connection = target.ready()
    reply = connection.login(connection.account, connection.password)
    connection.token = reply.session_token
    return asked(connection, "SCOPE")


@attack
def after_goodbye(target):
    connection = target.ready()
    assert asked(connection, "LOGOUT") == {"served"}
    told = asked(connection, "PULL") | asked(connection, "PUSH") | asked(connection, "LOGOUT")
    connection.token = connection.login(connection.account, connection.password).session_token
    return told


# ---- TLS ----

def context(target, version=ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(target.city.tls / "ca.pem")
    made.set_alpn_protocols(["lianxiao/1"])
    made.minimum_version = made.maximum_version = version
    return made


@attack
def plain_text(target):
    with target.bare() as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return until_closed(raw)


@attack
def noise_in_tls(target):
    """A handshake's record whose content is none, then one that goes on without an end."""
    with target.bare() as raw:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 700)
        return until_closed(raw)


@attack
def tls_1_2(target):
    with target.bare() as raw, contextlib.suppress(ConnectionResetError):
        try:
            context(target, ssl.TLSVersion.TLSv1_2).wrap_socket(raw, server_hostname="localhost")
        except ssl.SSLError as refusal:
            return {"alert"} if "VERSION" in (refusal.reason or "") else {str(refusal)}
    return {"served"}


@attack
def early_data(target):
    """Nothing is given that early data could be sent with; without it, bytes before the handshake are no TLS."""
    with target.fresh() as connection:
        asked(connection, "PING")
        session = connection.socket.session
    return {"not_offered"} if session is None or not session.has_ticket else {"offered"}


@attack
def key_update_flood(target):
    command = ["openssl", "s_client", "-connect", target.city.server.address, "-alpn", "lianxiao/1", "-CAfile", target.city.tls / "ca.pem"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as flood:
        try:
            for _ in range(300):
                flood.stdin.write(b"K\n")
                flood.stdin.flush()
            return asked(target.ready(), "PING")
        finally:
            flood.kill()


# ---- bundles: the files that the product takes in ----

def author(target) -> bundler.Author:
    connection = target.ready()
    return bundler.Author(connection.device, connection.device.id, connection.person, connection.token, target.city.tls / "ca.pem",
                          connection.scope().bundle_certificate)


def written(target, **changes) -> tuple:
    """A bundle's (head's id, deployment, container, whole file); its only record is one that is stored already."""
    first, operation = target.once("carried", lambda: recorded(target))
    group = ledger.PushGroup(stream=target.streams[WORKSHOP], first_op_seq=first, operations=[operation])
    file = bundler.write(author(target), [group], **changes)
    (head, container), = bundler.read_parts(file)
    return head[7], head[8], container, file


def bundle_of(target) -> tuple:
    return target.once(f"bundle of {target.ready().token.hex()}", lambda: written(target))


def carried(target, file: bytes) -> set:
    target.carrier.send(number("BUNDLE"), bundle.BundleRequest(part=file).SerializeToString())
    _, kind, _, payload = target.carrier.read_frame()
    if kind == wire.ERROR:
        return {REASONS[wire.Error.FromString(payload).reason.reason]}
    return {bundle.BundleVerdict.Name(bundle.BundleReply.FromString(payload).verdict).removeprefix("BUNDLE_").lower()}


@attack
def bundle_parts_do_not_add_up(target):
    """The head outside counts other parts than the content that is signed."""
    identity, deployment, container, _ = bundle_of(target)
    return carried(target, bundler.file_part(container, identity, deployment, 1, 2)) | \
        carried(target, bundler.file_part(container, peer.uuid7(), deployment))


@attack
def bundle_part_out_of_range(target):
    identity, deployment, container, _ = bundle_of(target)
    return carried(target, bundler.file_part(container, identity, deployment, 3, 2)) | \
        carried(target, bundler.file_part(container, identity, deployment, 0, 1))


@attack
def bundle_wrong_hash(target):
    file = bundle_of(target)[3]
    return carried(target, file[:-1] + bytes([file[-1] ^ 1])) | carried(target, file[:200] + bytes([file[200] ^ 1]) + file[201:])


@attack
def bundle_twice(target):
    return carried(target, bundle_of(target)[3])


@attack
def bundle_after_the_end(target):
    file = bundle_of(target)[3]
    return carried(target, file + b"x") | carried(target, file + file)


@attack
def bundle_cut(target):
    file = bundle_of(target)[3]
    return carried(target, file[:-1]) | carried(target, file[:40])


@attack
def bundle_not_one(target):
    return carried(target, b"PK\x03\x04" + bytes(200)) | carried(target, b"")


@attack
def bundle_content_of_nonsense(target):
    """Well signed and sealed, and nothing inside."""
    file = target.once("nonsense", lambda: written(target, receipt_key=b"")[3])
    return carried(target, file)
