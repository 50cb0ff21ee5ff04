"""Malformed input behind a login: every row has its answer, names the field, changes nothing, and the connection (or
at least the server) goes on. Frames, TLS and what comes before a login are in test_wire.py, nonsense in records in
test_behaviour_push.py."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import office  # noqa: E402
import peer  # noqa: E402
from attacks import REASONS as NAME, field, number, varint  # noqa: E402

wire, ledger, account, statistics = peer.wire, peer.ledger, peer.account, peer.statistics
SCHOOL, WORKSHOP, FOREIGN_WORKSHOP = "3401030001", "3401030001-01", "3401040001-01"
CAP_SMALL, CAP_LARGE = 4096, 1048576
NIL = bytes(16)
HOSTILE = ["'; drop table lx.fact; --", "%s%n%x", "../../etc/passwd", "=cmd|' /C calc'!A0", "$(reboot)", "\\", "{0}"]
REASON = {name: no for no, name in NAME.items()}


def answer(connection, method: int, payload: bytes) -> tuple:
    """("ok", "") or (reason, field) of the raw request's answer."""
    sent = connection.send(method, payload)
    while True:
        answered, kind, request, body = connection.read_frame()
        if kind == wire.EVENT:
            continue
        assert (request, answered) == (sent, method), "an answer repeats number and method"
        if kind == wire.REPLY:
            return "ok", ""
        reason = wire.Error.FromString(body).reason
        assert reason.text and "{" not in reason.text
        return NAME[reason.reason], reason.field


@pytest.fixture(name="school")
def fixture_school(city, tmp_path):
    with office.login(city, tmp_path, "school_admin", SCHOOL) as connection:
        connection.next = {}
        yield connection


def written(city) -> list:
    """What pushes have left behind, all in all (heads also move when the assessor scores)."""
    tables = ("fact", "op_run", "person", "membership", "role_grant", "account", "enrol_code")
    return city.cluster.sql("select " + ", ".join(f"(select count(*) from {table})" for table in tables))


NESTED = b""
for _ in range(100):
    NESTED = field(1, NESTED)  # PushRequest.groups is 1; a group's stream 1 is bytes: ends there
STREAM = field(1, b"s" * 16)

# name -> (method, payload, reason, field); the payload is of the request's message, as raw bytes
RAW = {
    "a million empty groups": ("PUSH", b"\x0a\x00" * 500_000, "too_many_fields", None),
    "a million packed elements": ("SUBSCRIBE", b"\x0a\x00" * 500_000, "too_many_fields", None),
    "a varint of eleven bytes": ("PULL", b"\x10" + b"\x80" * 10 + b"\x01", "varint_too_long", "cursor"),
    "a varint beyond 64 bits": ("PULL", b"\x10" + b"\xff" * 9 + b"\x02", "varint_too_long", "cursor"),
    "a limit beyond 32 bits": ("PULL", b"\x18" + varint(2**32 + 5), "field_invalid", "limit"),
    "wrong wire type": ("PULL", b"\x0d\x01\x02\x03\x04", "wire_type_wrong", "stream"),
    "a group": ("PULL", b"\x0b\x0c", "wire_type_wrong", "stream"),
    "wire type 7": ("PULL", b"\x0f", "wire_type_wrong", "stream"),
    "a singular field twice": ("PULL", b"\x10\x01\x10\x01", "field_repeated", "cursor"),
    "deep inside, twice": ("PUSH", field(1, b"\x10\x01\x10\x02"), "field_repeated", "groups[0].first_op_seq"),
    "field number 0": ("PULL", b"\x02\x00", "field_number_invalid", None),
    "ends inside a field": ("PULL", b"\x0a\x10abc", "message_truncated", "stream"),
    "a negative enum": ("GRANT", b"\x10" + b"\xff" * 9 + b"\x01", "enum_unknown", "role"),
    "an unknown enum": ("STATISTICS", b"\x18\x63", "enum_unknown", None),
    "NUL in text": ("GRANT", field(1, b"ab\0cd"), "text_has_nul", "account"),
    "overlong text": ("GRANT", field(1, b"\xc0\xaf"), "text_not_utf8", "account"),
    "overlong NUL": ("GRANT", field(1, b"\xc0\x80"), "text_not_utf8", "account"),
    "a surrogate": ("GRANT", field(1, b"\xed\xa0\x80"), "text_not_utf8", "account"),
    "beyond Unicode": ("GRANT", field(1, b"\xf4\x90\x80\x80"), "text_not_utf8", "account"),
    "cut in a character": ("GRANT", field(1, b"\xe4\xb8"), "text_not_utf8", "account"),
    "a stream of 15 bytes": ("PULL", field(1, b"s" * 15), "id_malformed", "stream"),
    "a nil stream": ("PULL", field(1, NIL), "stream_unknown", "stream"),
    "a stream of nobody": ("PULL", STREAM, "stream_unknown", "stream"),
    "no stream": ("PULL", b"", "id_malformed", "stream"),
    "a cursor beyond 63 bits": ("PULL", STREAM + b"\x10" + varint(2**63), "field_invalid", "cursor"),
    "no groups": ("PUSH", b"", "field_missing", "groups"),
    "op_seq 0": ("PUSH", field(1, STREAM + b"\x10\x00" + field(3, b"")), "field_invalid", "groups[0].first_op_seq"),
    "op_seq at the end": ("PUSH", field(1, STREAM + b"\x10" + varint(2**63 - 1) + field(3, b"")), "field_invalid",
                          "groups[0].first_op_seq"),
    "a Hello more": ("HELLO", b"\x08\x01", "hello_twice", None),
    "an event": ("NUDGE", b"", "method_unknown", None),
}


@pytest.mark.parametrize("name", RAW)
def test_raw(city, school, name):
    method, payload, reason, where = RAW[name]
    before = written(city)
    told, told_where = answer(school, number(method), payload)
    assert told == reason and (where is None or told_where == where), (told, told_where)
    assert answer(school, number("PING"), b"") == ("ok", "")
    assert written(city) == before


def test_an_unknown_method_behind_a_login(school):
    assert answer(school, 4711, b"rubbish") == ("method_unknown", "")
    assert answer(school, number("PING"), b"") == ("ok", "")


@pytest.mark.parametrize("method", ["PING", "PULL", "GRANT", "SCOPE", "LOGIN"])
def test_more_than_the_methods_cap(school, method):
    filler = b"\xfa\x7f"  # an unknown field
    assert answer(school, number(method), filler + varint(CAP_SMALL) + bytes(CAP_SMALL))[0] == "payload_too_large"
    assert answer(school, number("PING"), b"") == ("ok", "")


@pytest.mark.parametrize("length", [CAP_LARGE + 1, 0xFFFFFFFF])
def test_more_than_the_connections_cap(city, school, length):
    school.socket.sendall(peer.HEADER.pack(length, number("PUSH"), 1, 0, 7))
    _, kind, request, payload = school.read_frame()
    assert (kind, request) == (wire.ERROR, 7)
    assert wire.Error.FromString(payload).reason.reason == REASON["payload_too_large"]
    with pytest.raises((EOFError, OSError)):
        school.read_frame()
    with peer.Connection(city.server.address, city.tls / "ca.pem") as fine:
        fine.hello()


def test_a_stream_twice_in_one_push(city, school):
    """Both groups would be judged side by side; nothing of the request is stored."""
    stream = office.unit_id(city, WORKSHOP)
    person = make_teacher(school, stream, 71004)
    first, before = school_next(school, stream), written(city)
    groups = [ledger.PushGroup(stream=stream, first_op_seq=first + i, operations=[office.hours(person, 100).SerializeToString()]) for i in range(2)]
    assert answer(school, number("PUSH"), ledger.PushRequest(groups=groups).SerializeToString()) == ("field_repeated", "groups[1].stream")
    assert written(city) == before and school_next(school, stream) == first


def test_a_nested_bomb_in_an_operation(city, school):
    """Deeper than any message of ours is: unknown fields are not descended into, known ones are counted."""
    stream, before = office.unit_id(city, WORKSHOP), written(city)
    for payload, reason in ((NESTED, ("wire_type_wrong", "ok", "id_malformed")),):
        assert answer(school, number("PUSH"), payload)[0] in reason + ("field_missing",)
    operation = field(15, NESTED * 3)
    told = school.push(stream, school_next(school, stream), [ledger.Operation.FromString(operation)])
    assert told.verdict == ledger.GROUP_DONE and NAME[told.refused[0].reason.reason] == "operation_body"
    assert written(city)[0][0] == before[0][0]


def school_next(connection, stream: bytes) -> int:
    scope = connection.scope()
    return dict(zip(scope.streams, scope.next_op_seq))[stream]


def refusals(connection, stream: bytes, operations: list) -> list:
    told = connection.push(stream, school_next(connection, stream), operations)
    assert told.verdict == ledger.GROUP_DONE, told
    return [(NAME[r.reason.reason], r.reason.field) for r in told.refused]


def make_teacher(connection, stream: bytes, no: int) -> bytes:
    person, roster = office.teacher(stream, no)
    assert refusals(connection, stream, roster) == []
    return person


def test_ids_of_records(city, school):
    stream = office.unit_id(city, WORKSHOP)
    person = make_teacher(school, stream, 71001)
    version4 = bytearray(peer.uuid7())
    version4[6] = 0x4F
    variant = bytearray(peer.uuid7())
    variant[8] = 0xC0  # a version 7 of the variant that has no versions
    cases = [(NIL, "record_id"), (bytes(version4), "record_id"), (bytes(variant), "record_id"), (b"", "record_id"),
             (peer.uuid7()[:15], "record_id"), (peer.uuid7() + b"x", "record_id"), (None, "field_missing")]
    operations = []
    for id_, _ in cases:
        operations.append(office.hours(person, 100))
        operations[-1].fact.ClearField("id")
        if id_ is not None:
            operations[-1].fact.id = id_
    told = refusals(school, stream, operations)
    assert [where for _, where in told] == ["fact.id"] * len(cases), told
    assert {reason for reason, _ in told} <= {"record_id", "field_missing", "id_malformed"}, told


def test_nothing_is_not_the_same_as_nothing(city, school):
    """An empty `of` beside records without an id."""
    stream = office.unit_id(city, WORKSHOP)
    person = make_teacher(school, stream, 71002)
    void = ledger.Operation(fact=ledger.Fact(id=peer.uuid7(), programme=1, kind=ledger.VOID, subject=person, of=b""))
    nameless = office.hours(person, 100)
    nameless.fact.ClearField("id")
    empty = office.hours(person, 100)
    empty.fact.id = b""
    told = refusals(school, stream, [void, nameless, empty])
    assert [where for _, where in told] == ["fact.of", "fact.id", "fact.id"], told


@pytest.mark.parametrize("year,ms", [(1, -62135596800000), (9999, 253402300799999), (-300000, -2**63), (300000, 2**63 - 1)])
def test_years_that_nobody_means(city, school, year, ms):
    stream = office.unit_id(city, WORKSHOP)
    person = make_teacher(school, stream, 71100 + year % 997)
    fact = office.hours(person, 100)
    fact.fact.occurred_at_ms = ms
    told = refusals(school, stream, [fact])
    assert told in ([("time_absurd", "fact.occurred_at_ms")], [("time_in_future", "fact.occurred_at_ms")])
    for name in ("from_ms", "until_ms"):
        _, roster = office.teacher(stream, 71200 + year % 997 + (5000 if name == "from_ms" else 0))
        setattr(roster[1].membership, name, ms)
        told = refusals(school, stream, roster)
        assert len(told) == 1 and told[0][1] in (f"membership.{name}", "membership.until_ms"), told
        request = account.GrantRequest(account="some.one", role=ledger.HEAD, unit_code=WORKSHOP)
        setattr(request, name, ms)
        assert answer(school, number("GRANT"), request.SerializeToString()) == ("field_invalid", name)


def test_op_seq_gap_repeat_rollback_and_another_payload(city, school, tmp_path):
    stream = office.unit_id(city, WORKSHOP)
    person = make_teacher(school, stream, 71003)
    first = school_next(school, stream)
    facts = [office.hours(person, 100) for _ in range(3)]
    gap = school.push(stream, first + 1, facts)
    assert (gap.verdict, gap.expected) == (ledger.GROUP_GAP, first) and school_next(school, stream) == first
    before = written(city)
    assert school.push(stream, 2**63 - 1000, facts).verdict == ledger.GROUP_GAP
    assert written(city) == before
    assert school.push(stream, first, facts).verdict == ledger.GROUP_DONE
    before = written(city)
    for start, part in ((first, facts), (first, facts[:1]), (first + 1, facts[1:]), (first + 2, facts[2:])):
        assert school.push(stream, start, part).verdict == ledger.GROUP_REPEATED
    assert written(city) == before
    rolled_back = school.push(stream, first, [office.hours(person, 200)])
    assert (rolled_back.verdict, NAME[rolled_back.reason.reason]) == (ledger.GROUP_REFUSED, "device_cloned")
    frozen = school.push(stream, first + 3, [office.hours(person, 200)])
    assert (frozen.verdict, NAME[frozen.reason.reason]) == (ledger.GROUP_REFUSED, "device_frozen")
    assert written(city) == before


def test_cursors(city, school):
    stream, foreign = office.unit_id(city, WORKSHOP), office.unit_id(city, FOREIGN_WORKSHOP)
    head = school.call("PULL", ledger.PullRequest(stream=stream), ledger.PullReply).head
    for request, expected in (
            (ledger.PullRequest(stream=stream, cursor=head), ("ok", "")),
            (ledger.PullRequest(stream=stream, cursor=head + 1), ("cursor_ahead", "cursor")),
            (ledger.PullRequest(stream=stream, cursor=2**63 - 1), ("cursor_ahead", "cursor")),
            (ledger.PullRequest(stream=stream, cursor=2**64 - 1), ("field_invalid", "cursor")),
            (ledger.PullRequest(stream=foreign, cursor=2**63 - 1), ("stream_unknown", "stream")),
            (ledger.PullRequest(stream=peer.uuid7(), cursor=2**63 - 1), ("stream_unknown", "stream"))):
        assert answer(school, number("PULL"), request.SerializeToString()) == expected


def test_after_goodbye(city, tmp_path):
    """A login that has logged out has nothing more to say; the connection may log in again."""
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        assert answer(connection, number("LOGOUT"), b"") == ("ok", "")
        for method in ("PULL", "PUSH", "SCOPE", "LOGOUT"):
            assert answer(connection, number(method), b"") == ("login_needed", "")
        assert answer(connection, number("PING"), b"") == ("ok", "")


def test_a_second_login_takes_the_place_of_the_first(city, school):
    foreign = office.unit_id(city, FOREIGN_WORKSHOP)
    city.user("second.login", "head", FOREIGN_WORKSHOP, office.PASSWORD)
    assert foreign not in school.scope().streams
    assert answer(school, number("LOGIN"), account.LoginRequest(account="second.login", password="wrong-word-1")
                  .SerializeToString())[0] == "login_wrong"
    assert foreign not in school.scope().streams, "a failed login takes nothing away"
    school.login("second.login", office.PASSWORD)
    request = account.ChangePasswordRequest(old_password=office.PASSWORD, new_password=office.PASSWORD + "!")
    school.call("CHANGE_PASSWORD", request, account.ChangePasswordReply)
    streams = school.scope().streams
    assert foreign in streams and office.unit_id(city, WORKSHOP) not in streams
    assert answer(school, number("PULL"), ledger.PullRequest(stream=office.unit_id(city, WORKSHOP)).SerializeToString()) \
        == ("stream_unknown", "stream")


def test_refusals_of_the_roster_say_what_and_where(city, school):
    """Whoever reads them without our catalogue has the text and the field, also where the database was the judge."""
    stream = office.unit_id(city, WORKSHOP)
    person, first = office.teacher(stream, 71501)
    _, second = office.teacher(stream, 71501)  # the same number
    first[0].person.account, second[0].person.account = "review.71501", "review.71502"
    again = ledger.Operation()
    again.CopyFrom(first[1])
    again.membership.id = peer.uuid7()
    stale = ledger.Operation()
    stale.CopyFrom(first[0])
    stale.person.name, stale.person_version = "另一名", 7
    told = school.push(stream, school_next(school, stream), first + [second[0], again, stale])
    said = {NAME[r.reason.reason]: r.reason for r in told.refused}
    assert {name: reason.field for name, reason in said.items()} == {
        "teacher_no_taken": "person.teacher_no", "membership_overlaps": "membership.from_ms", "roster_changed": ""}
    assert all(len(reason.text) > 20 and "{" not in reason.text for reason in said.values())
    assert {p.name: p.value for p in said["roster_changed"].parameters} == {"version": "1"}


@pytest.mark.parametrize("version", [1, 3, 4, 6, 15])
def test_ids_of_people_are_of_the_versions_that_are_written_down(city, school, version):
    stream, before = office.unit_id(city, WORKSHOP), written(city)[0][:4]
    _, roster = office.teacher(stream, 71601)
    for operation, name in zip(roster, ("person", "membership")):
        body = getattr(operation, name)
        body.id = body.id[:6] + bytes([version << 4]) + body.id[7:]
    told = refusals(school, stream, roster[:1])
    assert told == [("record_id", "person.id")], told
    _, fine = office.teacher(stream, 71600 + version)
    roster[1].membership.person = fine[0].person.id
    assert refusals(school, stream, [fine[0], roster[1]]) == [("record_id", "membership.id")]
    assert written(city)[0][0] == before[0] and written(city)[0][3] == before[3]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(city, school, text):
    stream, before = office.unit_id(city, WORKSHOP), city.cluster.sql("select count(*) from fact")
    for method, request in (
            ("LOGIN", account.LoginRequest(account=text, password=text)),
            ("GRANT", account.GrantRequest(account=text, role=ledger.HEAD, unit_code=WORKSHOP)),
            ("GRANT", account.GrantRequest(account="x.y", role=ledger.HEAD, unit_code=text)),
            ("CODE_ISSUE", account.CodeIssueRequest(unit_code=text)),
            ("USER_ADD", account.UserAddRequest(account=text, name=text, unit_code=WORKSHOP)),
            ("USER_ADD", account.UserAddRequest(account="good.name", name=text, unit_code=text)),
            ("STATISTICS", statistics.StatisticsRequest(programme=1, unit=stream, after=text))):
        assert answer(school, number(method), request.SerializeToString())[0] != "internal", method
    _, roster = office.teacher(stream, 71300 + HOSTILE.index(text))
    roster[0].person.name = roster[0].person.title = text
    assert all(where.startswith("person.") or where.startswith("membership.") for _, where in refusals(school, stream, roster))
    rows, _ = school.pull_all(stream)
    for row in rows.values():
        if row.HasField("person") and row.person.id == roster[0].person.id:
            assert row.person.name == text
    assert city.cluster.sql("select count(*) from fact") == before


@pytest.mark.parametrize("text", ["a\u202eb", "a\u0007b", "a\u200fb\u2067", "a\u009bb", "a\nb"])
def test_names_do_not_command_terminals(city, school, text):
    stream = office.unit_id(city, WORKSHOP)
    _, roster = office.teacher(stream, 71400)
    roster[0].person.name = text
    told = refusals(school, stream, roster)
    assert ("text_bidi", "person.name") in told or ("text_control", "person.name") in told, told
    request = account.UserAddRequest(account="control.name", name=text, unit_code=WORKSHOP)
    told = answer(school, number("USER_ADD"), request.SerializeToString())
    assert told in (("text_bidi", "name"), ("text_control", "name")), told
