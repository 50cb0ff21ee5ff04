"""Every text that a client may send: what is no more than odd is kept byte for byte or refused with a reason, never understood; what is no text is
refused. text_fields.csv says which, and has a row for every string field of the protocol, or a test fails.
"""
import csv
import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest

import attacks
import conftest
import watching

import office  # noqa: E402  (tests/interop, on the path since attacks)
import peer  # noqa: E402

wire, ledger, account, statistics = peer.wire, peer.ledger, peer.account, peer.statistics
ROWS = {row["field"]: row for row in csv.DictReader((Path(__file__).parent / "text_fields.csv").read_text(encoding="utf-8").splitlines())}
UNIT = attacks.WORKSHOP
NUMBERS = itertools.count(1)
DEAR = {"LOGIN.account": 3, "LOGIN.password": 3, "CHANGE_PASSWORD.old_password": 3, "ENROL.code": 3}  # a password's hash, a device's key
TEXTS = {
    "hostile": [text.encode() for text in (
        "'; drop table lx.fact; --", "x' or '1'='1", "%s%n%x%p", "{0}${jndi:ldap://x}", "../../etc/passwd", "C:\\Windows\\win.ini", "/dev/full",
        "=cmd|' /C calc'!A0", "+1+1+1+1+1", "-2+3+cmd|x", "@SUM(1+1)", "＝1＋1＋1＋1", "$(reboot); `id`", "<script>alert(1)</script>", "\\\\N\\\\x00\\'")],
    "broken": [b"good\0bad!", b"over\xc0\xafgood", b"over\xc0\x80good", b"half\xed\xa0\x80good", b"high\xf4\x90\x80\x80", b"cut.off.\xe4\xb8"],
    "bidi": [text.encode() for text in ("abc\u202edefgh", "abc\u2067defgh", "\u200fabcdefgh")],
    "control": [text.encode() for text in ("abc\u0007defgh", "abc\u001b[2Jdefgh", "abc\u009bdefgh", "abcd\refgh")],
}


# ---- which fields there are ----

def strings_of(descriptor, path: str, seen=()) -> list:
    found = []
    for field in descriptor.fields:
        if field.type == field.TYPE_STRING:
            found.append(f"{path}.{field.name}")
        elif field.type == field.TYPE_MESSAGE and field.message_type.full_name not in seen:
            found += strings_of(field.message_type, f"{path}.{field.name}", (*seen, descriptor.full_name))
    return found


def request_of(method: str):
    """The descriptor of a method's request; None of an event."""
    name = "".join(word.capitalize() for word in method.split("_")) + "Request"
    modules = (wire, ledger, account, statistics, peer.bundle, peer.audit)
    return next((module.DESCRIPTOR.message_types_by_name[name] for module in modules if name in module.DESCRIPTOR.message_types_by_name), None)


def all_strings() -> list:
    found = strings_of(ledger.Operation.DESCRIPTOR, "operation") + strings_of(peer.bundle.Bundle.DESCRIPTOR, "bundle")
    for method, number in wire.Method.items():
        if number and (request := request_of(method)):
            found += strings_of(request, method)
    return found


def test_every_text_field_has_its_row():
    assert sorted(ROWS) == sorted(all_strings())
    assert set(ROWS) == set(FIELDS), "and a way to send it"


def test_every_request_is_found():
    assert {method for method, number in wire.Method.items() if number and not request_of(method)} == {"NUDGE"}


# ---- how each is sent, and where it is kept ----

FIELDS = {}  # name -> function(world, text): (connection, method, message, how to read it back)


def sends(*names):
    def register(function):
        for name in names:
            FIELDS[name] = function
        return function
    return register


def kept_in(world, query: str):
    """Reads a text back from the database, its bytes."""
    return lambda: bytes.fromhex(world.city.cluster.sql(query)[0][0])


@sends("HELLO.program")
def hello(world, text):
    connection = peer.Connection(world.city.server.address, world.city.tls / "ca.pem")
    world.closing.append(connection)
    return connection, "HELLO", wire.HelloRequest(protocol=1, program=text), None


@sends("ENROL.code")
def enrol_code(world, text):
    with_csr = account.EnrolRequest(code=text, csr=world.device().request(), label="x")
    return world.stranger(), "ENROL", with_csr, None


LABEL = "select encode(convert_to(label, 'UTF8'), 'hex') from device order by enrolled_at desc limit 1"


@sends("ENROL.label")
def enrol_label(world, text):
    code = world.school.call("CODE_ISSUE", account.CodeIssueRequest(unit_code=UNIT), account.CodeIssueReply).code
    message = account.EnrolRequest(code=code, csr=world.device().request(), label=text)
    return world.stranger(), "ENROL", message, kept_in(world, LABEL)


@sends("LOGIN.account")
def login_account(world, text):
    return world.on_device(), "LOGIN", account.LoginRequest(account=text, password="some-password-1"), None


@sends("LOGIN.password")
def login_password(world, text):
    return world.on_device(), "LOGIN", account.LoginRequest(account=world.school.account, password=text), None


@sends("CHANGE_PASSWORD.old_password")
def old_password(world, text):
    world.city.cluster.sql("delete from login_failure")
    return world.head, "CHANGE_PASSWORD", account.ChangePasswordRequest(old_password=text, new_password="another-word-1"), None


@sends("CHANGE_PASSWORD.new_password")
def new_password(world, text):
    def kept() -> bytes:
        connection = world.on_device()
        connection.login(world.head.account, text)
        world.head.password = text
        return text.encode()
    return world.head, "CHANGE_PASSWORD", account.ChangePasswordRequest(old_password=world.head.password, new_password=text), kept


@sends("STATISTICS.after")
def after(world, text):
    return world.school, "STATISTICS", statistics.StatisticsRequest(programme=1, unit=world.target.streams[UNIT], after=text), None


@sends("CODE_ISSUE.unit_code")
def code_unit(world, text):
    return world.school, "CODE_ISSUE", account.CodeIssueRequest(unit_code=text), None


@sends("USER_ADD.account", "USER_ADD.name", "USER_ADD.password", "USER_ADD.unit_code")
def user(world, text, field):
    name = f"text.field.{next(NUMBERS)}"
    message = account.UserAddRequest(account=name, name="some name", unit_code=UNIT, role=ledger.HEAD, password="some-password-1")
    setattr(message, field, text)
    kept = kept_in(world, f"select encode(convert_to(name, 'UTF8'), 'hex') from account where account = '{name}'")

    def logs_in() -> bytes:
        world.on_device().login(name, text)
        return text.encode()
    return world.school, "USER_ADD", message, logs_in if field == "password" else kept


@sends("GRANT.account", "GRANT.unit_code")
def grant(world, text, field):
    message = account.GrantRequest(account=world.head.account, role=ledger.HEAD, unit_code=UNIT)
    setattr(message, field, text)
    return world.school, "GRANT", message, None


def pushed(connection, world, operation, read):
    """The operation as the connection's next one; `read` takes the text out of the row that a pull brings."""
    stream = world.target.streams[UNIT]
    record = operation.fact.id if operation.HasField("fact") else operation.person.id
    scope = connection.scope()
    first = dict(zip(scope.streams, scope.next_op_seq))[stream]
    group = ledger.PushGroup(stream=stream, first_op_seq=first, operations=[operation.SerializeToString()])

    def kept() -> bytes:
        return read(connection.pull_all(stream)[0][record]).encode()
    return connection, "PUSH", ledger.PushRequest(groups=[group]), kept


@sends("operation.fact.item")
def item(world, text):
    return pushed(world.head, world, office.fact(ledger.DISCUSSION, world.target.person, text), lambda row: row.fact.item)


@sends("operation.fact.form")
def form(world, text):
    operation = office.fact(ledger.ATTENDANCE, world.target.person, "seminar", quantity=100, form=text)
    return pushed(world.head, world, operation, lambda row: row.fact.form)


@sends("operation.submission.title", "operation.submission.file_name")
def submission(world, text, field):
    operation = office.submission(world.target.streams[UNIT], "h.case", world.target.person)
    setattr(operation.submission, field, text)
    return pushed(world.head, world, operation, lambda row: getattr(row.submission, field))


@sends("operation.submission.fields.key", "operation.submission.fields.value")
def template(world, text, field):
    operation = office.submission(world.target.streams[UNIT], "h.case", world.target.person)
    setattr(operation.submission.fields[0], field, text)
    return pushed(world.head, world, operation, lambda row: getattr(row.submission.fields[0], field))


@sends("operation.submission.points")
def points(world, text):
    operation = office.submission(world.target.streams[UNIT], "h.case", world.target.person)
    operation.submission.points.append(text)
    return pushed(world.head, world, operation, lambda row: row.submission.points[-1])


@sends("operation.person.name", "operation.person.teacher_no", "operation.person.account", "operation.person.title")
def person(world, text, field):
    _, (operation, _) = office.teacher(world.target.streams[UNIT], 910000 + next(NUMBERS))
    setattr(operation.person, field, text)
    return pushed(world.school, world, operation, lambda row: getattr(row.person, field))


# ---- the test ----

class World:
    """Who sends the texts: strangers, devices without a login, a school's administrator, a head."""

    def __init__(self, watched: watching.Watched, folder: Path):
        self.watched, self.city, self.target, self.folder = watched, watched.city, watched.target, folder
        self.school, self.head = watched.target.school, office.login(watched.city, folder, "head", UNIT)
        self.closing = []

    def device(self) -> peer.Device:
        return peer.Device(self.folder / f"device-of-texts-{next(NUMBERS)}")

    def stranger(self) -> peer.Connection:
        return self._open(None)

    def on_device(self) -> peer.Connection:
        self.city.cluster.sql("delete from login_failure")  # or the later texts are told to wait
        return self._open(self.head.device)

    def _open(self, device) -> peer.Connection:
        connection = peer.Connection(self.city.server.address, self.city.tls / "ca.pem", device)
        self.closing.append(connection)
        connection.hello()
        return connection

    def close(self) -> None:
        while self.closing:
            self.closing.pop().close()


@pytest.fixture(scope="module", name="world")
def fixture_world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    with watching.watched(conftest.found_city, folder) as watched:
        made = World(watched, folder)
        yield made
        made.close()
        made.head.close()


def send(world: World, name: str, raw: bytes) -> str:
    """"kept", or the reason for which it is refused. What is no UTF-8 takes the place of a text of its length in the finished message."""
    try:
        text, stands_for = raw.decode("utf-8", "strict"), None
        if "\0" in text:
            raise UnicodeError
    except UnicodeError:
        text = stands_for = "Q" * len(raw)
    parameter = {"field": name.rsplit(".", 1)[1]} if FIELDS[name].__code__.co_argcount == 3 else {}
    connection, method, message, kept = FIELDS[name](world, text, **parameter)
    payload = message.SerializeToString()
    if stands_for:
        assert payload.count(stands_for.encode()) == 1
        payload = payload.replace(stands_for.encode(), raw)
    connection.send(attacks.number(method), payload)
    answered, kind, _, body = connection.read_frame()
    world.watched.honest.goes_on()
    if kind == wire.ERROR:
        return attacks.REASONS[wire.Error.FromString(body).reason.reason]
    if method == "PUSH":
        told = attacks.verdict(ledger.PushReply.FromString(body).groups[0], 1)
        if told != {"served"}:
            return told.pop()
    assert kept is None or kept() == raw
    return "kept"


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("name", ROWS)
def test_text_stays_text(world, name, kind):
    expected = set(ROWS[name][kind].split())
    before = world.city.cluster.sql("select count(*) from fact")
    answers = {raw: send(world, name, raw) for raw in TEXTS[kind]}
    assert set(answers.values()) == expected, answers
    refused = [raw for raw, told in answers.items() if told != "kept"]
    world.close()
    if "kept" not in expected:
        assert world.city.cluster.sql("select count(*) from fact") == before
    if kind in ("hostile", "broken") and refused:
        no_memory_of(world, name, refused)
    assert world.watched.honest.seen() == world.watched.honest.before


def no_memory_of(world: World, name: str, texts: list) -> None:
    worker = world.watched.worker
    descriptors, used = worker.descriptors(), watching.settled(worker)
    for raw in itertools.islice(itertools.cycle(texts), DEAR.get(name, 10)):
        send(world, name, raw)
    world.close()
    watching.nothing_is_left(worker, used, descriptors)
