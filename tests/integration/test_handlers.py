"""What the server answers to each request: enrolment, logins, scope, push with all its verdicts, pull, administration.

The peer is the Python client of tests/interop, so this speaks plain protocol to a real server and database.
"""
import sys
import threading
import time
from pathlib import Path

import pytest

import lx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import office  # noqa: E402
import peer  # noqa: E402

wire, ledger, account = peer.wire, peer.ledger, peer.account
SCHOOL, WORKSHOP, OTHER_WORKSHOP = "3401030001", "3401030001-01", "3401030001-02"
FOREIGN_SCHOOL, FOREIGN_WORKSHOP = "3401040001", "3401040001-01"


def reasons() -> dict:
    """id -> number of proto/reasons.csv."""
    table = {}
    for line in (lx.ROOT / "proto/reasons.csv").read_text(encoding="utf-8").splitlines()[1:]:
        if not line.startswith("#"):
            number, name = line.split(",")[:2]
            table[name] = int(number)
    return table


REASON = reasons()


def refused(connection, method, request, reply_type) -> int:
    """The reason number of the error that the call must end in."""
    with pytest.raises(peer.ServerError) as caught:
        connection.call(method, request, reply_type)
    return caught.value.error.reason.reason


def error_bytes(connection, method, request, reply_type) -> bytes:
    with pytest.raises(peer.ServerError) as caught:
        connection.call(method, request, reply_type)
    return caught.value.error.SerializeToString()


class Sender:
    """Numbers the operations of one device per stream."""

    def __init__(self, connection):
        self.connection = connection
        scope = connection.scope()
        self.next = dict(zip(scope.streams, scope.next_op_seq))

    def group(self, stream: bytes, operations: list, first: int = 0):
        first = first or self.next.get(stream, 1)
        self.next[stream] = max(self.next.get(stream, 1), first + len(operations))
        return ledger.PushGroup(stream=stream, first_op_seq=first,
                                operations=[o if isinstance(o, bytes) else o.SerializeToString() for o in operations])

    def push_groups(self, groups: list):
        return self.connection.call("PUSH", ledger.PushRequest(groups=groups), ledger.PushReply).groups

    def push(self, stream: bytes, operations: list, first: int = 0):
        return self.push_groups([self.group(stream, operations, first)])[0]


def add_teacher(sender: Sender, workshop: bytes, number: int) -> bytes:
    person, roster = office.teacher(workshop, number)
    answer = sender.push(workshop, roster)
    assert answer.verdict == ledger.GROUP_DONE and not answer.refused, answer
    return person


def replica(connection, stream: bytes) -> dict:
    """All live rows of the stream, proved by count and digest."""
    rows, reply = connection.pull_all(stream, limit=7)  # small pages: the seams are part of the test
    live = {id_: row for id_, row in rows.items() if row.state == ledger.ROW_LIVE}
    digest = 0
    for row in live.values():
        digest ^= peer.row_digest(row.id, row.version)
    assert (len(live), digest) == (reply.live_count, reply.digest)
    return live


@pytest.fixture(name="school")
def fixture_school(city, tmp_path):
    with office.login(city, tmp_path, "school_admin", SCHOOL) as connection:
        yield connection


@pytest.fixture(name="head")
def fixture_head(city, tmp_path):
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        yield connection


# ---- push ----


def test_pipelined_pushes_of_one_stream_keep_their_order(city, school):
    workshop = office.unit_id(city, WORKSHOP)
    sender = Sender(school)
    person = add_teacher(sender, workshop, 1001)
    number, expected, sent = wire.Method.Value("PUSH"), [], []
    for turn in range(30):
        operations = [office.hours(person, 100)]
        expected.append(operations[0].fact.id)
        if turn % 3 == 0:  # about a fact the server must look up first: the next ones must not overtake
            operations.append(ledger.Operation(fact=ledger.Fact(
                id=peer.uuid7(), programme=1, kind=ledger.VOID, subject=person, of=peer.uuid7(), occurred_at_ms=1)))
        request = ledger.PushRequest(groups=[sender.group(workshop, operations)])
        sent.append(school.send(number, request.SerializeToString()))
    answers = {}
    while len(answers) < len(sent):
        _, kind, request, payload = school.read_frame()
        assert kind == wire.REPLY
        answers[request] = ledger.PushReply.FromString(payload).groups[0]
    assert all(answers[request].verdict == ledger.GROUP_DONE for request in sent)
    rows = replica(school, workshop)
    order = sorted((row.seq, row.id) for row in rows.values() if row.id in expected)
    assert [id_ for _, id_ in order] == expected


def test_many_clients_at_once_and_every_stream_adds_up(city, tmp_path):
    connections = [office.login(city, tmp_path, "school_admin", SCHOOL) for _ in range(4)]
    streams = [office.unit_id(city, code) for code in (WORKSHOP, OTHER_WORKSHOP)]
    people = [add_teacher(Sender(connections[0]), stream, 1100 + i) for i, stream in enumerate(streams)]
    failures = []

    def work(connection):
        try:
            sender = Sender(connection)
            for _ in range(15):
                groups = [sender.group(stream, [office.hours(person, 50) for _ in range(3)])
                          for stream, person in zip(streams, people)]
                for answer in sender.push_groups(groups):
                    assert answer.verdict == ledger.GROUP_DONE and not answer.refused, answer
        except (AssertionError, OSError, peer.ServerError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for stream, person in zip(streams, people):
        rows = replica(connections[0], stream).values()
        assert sum(1 for row in rows if row.subject == person and row.HasField("fact")) == 4 * 15 * 3
    for connection in connections:
        connection.close()


def test_a_group_that_was_stored_in_part_is_completed(city, school):
    workshop = office.unit_id(city, WORKSHOP)
    sender = Sender(school)
    person = add_teacher(sender, workshop, 1200)
    first = sender.next[workshop]
    operations = [office.hours(person, quantity) for quantity in (100, -1, 100, 100, -2, 100)]
    answer = sender.push(workshop, operations[:3])
    assert [r.op_seq for r in answer.refused] == [first + 1]
    answer = sender.push(workshop, operations, first)
    assert answer.verdict == ledger.GROUP_DONE and answer.op_to == first + 5
    assert [r.op_seq for r in answer.refused] == [first + 1, first + 4], "the stored refusals and the new ones"
    again = sender.push(workshop, operations[1:5], first + 1)
    assert again.verdict == ledger.GROUP_REPEATED
    assert [r.op_seq for r in again.refused] == [first + 1, first + 4]
    rows = replica(school, workshop)
    assert [operation.fact.id in rows for operation in operations] == [True, False, True, True, False, True]


def test_one_request_may_name_what_it_brings_itself(city, school):
    """Also from one group to the next: a guest's fact is brought in the stream of his home, voided in the other's."""
    workshop, other = office.unit_id(city, WORKSHOP), office.unit_id(city, OTHER_WORKSHOP)
    sender = Sender(school)
    person = add_teacher(sender, workshop, 1300)
    guest = ledger.Operation(membership=ledger.Membership(id=peer.uuid7(), person=person, programme=1, unit=other, guest=True,
                                                          role=ledger.TEACHER, from_ms=1_630_425_600_000))
    assert not sender.push(other, [guest]).refused
    fact = office.hours(person, 300)
    void = ledger.Operation(fact=ledger.Fact(id=peer.uuid7(), programme=1, kind=ledger.VOID, subject=person,
                                             of=fact.fact.id, occurred_at_ms=int(time.time() * 1000)))
    groups = [sender.group(workshop, [fact]), sender.group(other, [void])]
    for answer in sender.push_groups(groups):
        assert answer.verdict == ledger.GROUP_DONE and not answer.refused, answer
    unknown = ledger.Operation(fact=ledger.Fact(id=peer.uuid7(), programme=1, kind=ledger.VOID, subject=person,
                                                of=peer.uuid7(), occurred_at_ms=int(time.time() * 1000)))
    answer = sender.push(workshop, [unknown])
    assert [r.reason.reason for r in answer.refused] == [REASON["of_unknown"]]


def test_a_record_id_twice(city, tmp_path, school):
    """The same content again is the same record; other content is refused by name; nobody else is held up."""
    workshop = office.unit_id(city, WORKSHOP)
    sender = Sender(school)
    person = add_teacher(sender, workshop, 1400)
    fact = office.hours(person, 200)
    assert sender.push(workshop, [fact]).verdict == ledger.GROUP_DONE
    stolen = office.hours(person, 900)
    stolen.fact.id = fact.fact.id
    with office.login(city, tmp_path, "school_admin", SCHOOL) as second:
        other = Sender(second)
        first = other.next[workshop]
        good = office.hours(person, 400)
        answer = other.push(workshop, [fact, stolen, good])
        assert answer.verdict == ledger.GROUP_DONE
        assert [(r.op_seq, r.reason.reason) for r in answer.refused] == [(first + 1, REASON["record_taken"])]
        rows = replica(second, workshop)
        assert rows[fact.fact.id].fact.quantity == 200 and good.fact.id in rows


def test_a_cloned_device_is_frozen(city, tmp_path):
    workshop = office.unit_id(city, WORKSHOP)
    with office.login(city, tmp_path, "school_admin", SCHOOL) as connection:
        sender = Sender(connection)
        person = add_teacher(sender, workshop, 1500)
        first = sender.next[workshop]
        assert sender.push(workshop, [office.hours(person, 100)]).verdict == ledger.GROUP_DONE
        answer = sender.push(workshop, [office.hours(person, 100)], first)
        assert answer.verdict == ledger.GROUP_REFUSED and answer.reason.reason == REASON["device_cloned"]
        ended_within_a_second(connection)
        with peer.Connection(city.server.address, city.tls / "ca.pem", connection.device) as again:
            again.hello()
            request = account.LoginRequest(account="nobody", password="whatever-1")
            assert refused(again, "LOGIN", request, account.LoginReply) == REASON["device_frozen"]


def test_wrong_records_are_refused_by_name_and_field(city, head):
    workshop = office.unit_id(city, WORKSHOP)
    sender = Sender(head)
    stranger, future = office.hours(peer.uuid7(), 100), office.hours(workshop, 100)
    school_fact = ledger.Operation(fact=ledger.Fact(id=peer.uuid7(), programme=1, kind=ledger.COURSE_RANGE,
                                                    subject=office.unit_id(city, SCHOOL), item="x",
                                                    occurred_at_ms=int(time.time() * 1000)))
    unknown_programme = office.hours(workshop, 100)
    unknown_programme.fact.programme = 77
    future.fact.occurred_at_ms = int(time.time() * 1000) + 10 * 60 * 1000
    answer = sender.push(workshop, [stranger, future, school_fact, unknown_programme])
    assert answer.verdict == ledger.GROUP_DONE and len(answer.refused) == 4
    assert answer.refused[0].reason.reason == REASON["subject_unknown"]
    assert answer.refused[0].reason.field == "fact.subject"
    assert answer.refused[3].reason.reason == REASON["programme_unknown"]
    _, roster = office.teacher(workshop, 1600)
    answer = sender.push(workshop, roster)
    assert {r.op_seq for r in answer.refused} == {5, 6}, "a head keeps no roster"


def test_an_operation_with_two_bodies_is_refused_alone(city, school):
    workshop = office.unit_id(city, WORKSHOP)
    sender = Sender(school)
    person = add_teacher(sender, workshop, 1710)
    _, roster = office.teacher(workshop, 1711)
    both = ledger.Operation(fact=office.hours(person, 100).fact, person=roster[0].person)
    for group in ([office.hours(person, 100), both, office.hours(person, 200)], [roster[0], both, roster[1]], [both]):
        first = sender.next[workshop]
        answer = sender.push(workshop, group)
        assert answer.verdict == ledger.GROUP_DONE
        assert [(r.op_seq, r.reason.reason) for r in answer.refused] == [(first + group.index(both), REASON["operation_body"])]


def test_requests_that_are_no_pushes_change_nothing(city, school):
    workshop = office.unit_id(city, WORKSHOP)
    sender = Sender(school)
    person = add_teacher(sender, workshop, 1700)
    first = sender.next[workshop]
    _, roster = office.teacher(workshop, 1701)
    answer = sender.push(workshop, [office.hours(person, 100)] + roster)
    assert answer.verdict == ledger.GROUP_REFUSED and answer.reason.reason == REASON["group_mixed"]
    good = office.hours(person, 100).SerializeToString()
    for operations, where in (([good, b"\xff"], "groups[0].operations[1]"),
                              ([good + b"\x0a\x00"], "groups[0].operations[0]"),
                              ([], "groups[0].operations"), ([good] * 501, "groups")):
        request = ledger.PushRequest(groups=[ledger.PushGroup(stream=workshop, first_op_seq=first, operations=operations)])
        with pytest.raises(peer.ServerError) as caught:
            school.call("PUSH", request, ledger.PushReply)
        assert caught.value.error.reason.field.startswith(where), caught.value.error
    assert dict(zip(school.scope().streams, school.scope().next_op_seq))[workshop] == first


def test_a_teacher_moves_and_the_rows_with_him(city, school):
    old, new = office.unit_id(city, WORKSHOP), office.unit_id(city, OTHER_WORKSHOP)
    sender = Sender(school)
    person, roster = office.teacher(old, 1800)
    assert not sender.push(old, roster).refused
    fact = office.hours(person, 500)
    assert sender.push(old, [fact]).verdict == ledger.GROUP_DONE
    membership = replica(school, old)[roster[1].membership.id]
    move = ledger.Operation(membership=membership.membership, membership_version=membership.version)
    move.membership.unit = new
    answer = sender.push(new, [move])
    assert answer.verdict == ledger.GROUP_DONE and not answer.refused, answer
    assert fact.fact.id in replica(school, new) and person in replica(school, new)
    assert fact.fact.id not in replica(school, old)
    rows, _ = school.pull_all(old)
    assert any(row.state == ledger.ROW_LEFT and row.subject == person for row in rows.values())
    late = office.hours(person, 100)  # recorded before the move was known, for the old stream
    answer = sender.push(old, [late])
    assert answer.verdict == ledger.GROUP_DONE and not answer.refused, answer
    assert late.fact.id in replica(school, new)


def test_a_roster_row_that_changed_meanwhile_is_a_conflict(city, school):
    workshop = office.unit_id(city, WORKSHOP)
    sender = Sender(school)
    person, roster = office.teacher(workshop, 1900)
    assert not sender.push(workshop, roster).refused
    changed = ledger.Operation(person=roster[0].person, person_version=1)
    changed.person.name = "新名字"
    assert not sender.push(workshop, [changed]).refused
    changed.person.name = "旧名字"
    answer = sender.push(workshop, [changed])
    assert [r.reason.reason for r in answer.refused] == [REASON["roster_changed"]]
    assert [(p.name, p.value) for p in answer.refused[0].reason.parameters] == [("version", "2")]
    assert replica(school, workshop)[person].person.name == "新名字"


# ---- permission ----


def test_foreign_and_unknown_look_the_same(city, head, school):
    foreign, random = office.unit_id(city, FOREIGN_WORKSHOP), peer.uuid7()
    fact = office.hours(peer.uuid7(), 100)
    answers = []
    for stream in (foreign, random):
        answer = Sender(head).push(stream, [fact])
        assert answer.verdict == ledger.GROUP_REFUSED
        answer.ClearField("stream")
        answers.append(answer.SerializeToString())
    assert answers[0] == answers[1]
    for method, requests, reply in (
            ("PULL", [ledger.PullRequest(stream=s) for s in (foreign, random)], ledger.PullReply),
            ("SUBSCRIBE", [ledger.SubscribeRequest(streams=[s]) for s in (foreign, random)], ledger.SubscribeReply),
    ):
        assert len({error_bytes(head, method, request, reply) for request in requests}) == 1, method
    grant = bytes.fromhex(city.cluster.sql(
        f"select replace(g.id::text, '-', '') from role_grant g join unit u on u.id = g.unit where u.code = '{SCHOOL}'")[0][0])
    with_foreign = [account.GrantRevokeRequest(grant=g) for g in (grant, random)]
    for method, requests, reply in (
            ("CODE_ISSUE", [account.CodeIssueRequest(unit_code=c) for c in (FOREIGN_SCHOOL, "nowhere")], account.CodeIssueReply),
            ("GRANT", [account.GrantRequest(account="x.y", role=ledger.HEAD, unit_code=c) for c in (FOREIGN_WORKSHOP, "none")],
             account.GrantReply),
            ("USER_ADD", [account.UserAddRequest(account="some.body", name="n", role=ledger.HEAD, unit_code=c)
                          for c in (FOREIGN_WORKSHOP, "none")], account.UserAddReply)):
        assert len({error_bytes(school, method, request, reply) for request in requests}) == 1, method
    assert len({error_bytes(head, "GRANT_REVOKE", request, account.GrantRevokeReply) for request in with_foreign}) == 1


def test_a_head_administers_nothing(city, head):
    for method, request, reply in (
            ("CODE_ISSUE", account.CodeIssueRequest(unit_code=WORKSHOP), account.CodeIssueReply),
            ("USER_ADD", account.UserAddRequest(account="new.one", name="n"), account.UserAddReply),
            ("GRANT", account.GrantRequest(account="a.b", role=ledger.HEAD, unit_code=WORKSHOP), account.GrantReply)):
        assert refused(head, method, request, reply) == REASON["capability_missing"], method


def test_nobody_gives_more_than_he_has(city, school):
    name = "gives.more"
    reply = school.call("USER_ADD", account.UserAddRequest(account=name, name="甲", role=ledger.HEAD, unit_code=WORKSHOP),
                        account.UserAddReply)
    assert len(reply.person) == 16 and len(reply.password) >= 8
    request = account.UserAddRequest(account=name, name="乙", role=ledger.HEAD, unit_code=WORKSHOP)
    assert refused(school, "USER_ADD", request, account.UserAddReply) == REASON["account_exists"]
    request = account.GrantRequest(account=name, role=ledger.DISTRICT_ADMIN, unit_code="340103")
    assert refused(school, "GRANT", request, account.GrantReply) == REASON["not_in_scope"]
    request = account.GrantRequest(account=name, role=ledger.HEAD, unit_code=SCHOOL)
    assert refused(school, "GRANT", request, account.GrantReply) == REASON["role_not_for_unit"]
    grant = school.call("GRANT", account.GrantRequest(account=name, role=ledger.HEAD, unit_code=OTHER_WORKSHOP),
                        account.GrantReply).grant
    school.call("GRANT_REVOKE", account.GrantRevokeRequest(grant=grant), account.GrantRevokeReply)


def test_names_that_would_deceive_are_refused(city, school):
    del city
    for name, reason in (("", "text_empty"), (" 甲", "text_empty"), ("甲\u202e乙", "text_bidi"), ("甲\x07", "text_control"),
                         ("字" * 65, "text_too_long")):
        request = account.UserAddRequest(account="deceiving.name", name=name, role=ledger.HEAD, unit_code=WORKSHOP)
        assert refused(school, "USER_ADD", request, account.UserAddReply) == REASON[reason], name
    for name in ("ab", "Large.Letter", "a" * 65, "a'; drop table lx.account; --", "%s%n"):
        request = account.UserAddRequest(account=name, name="甲", role=ledger.HEAD, unit_code=WORKSHOP)
        assert refused(school, "USER_ADD", request, account.UserAddReply) == REASON["account_name"], name


# ---- the end of a login ----


def ended_within_a_second(connection):
    """The connection's login ends: its requests fail or the connection is closed."""
    def is_over():
        try:
            connection.scope()
            return False
        except peer.ServerError as error:
            return error.error.code == wire.UNAUTHENTICATED
        except (EOFError, OSError):
            return True

    lx.wait_until(is_over, 1, "the login ends")


def test_a_revoked_device_is_out_within_a_second(city, tmp_path):
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        device = city.cluster.sql("select encode(device, 'hex') from device order by enrolled_at desc limit 1")[0][0]
        city.ctl("device", "revoke", device)
        ended_within_a_second(connection)
        with peer.Connection(city.server.address, city.tls / "ca.pem", connection.device) as again:
            assert not again.hello(connection.token).logged_in


def test_a_revoked_grant_is_felt_within_a_second(city, tmp_path):
    workshop = office.unit_id(city, WORKSHOP)
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        connection.call("PULL", ledger.PullRequest(stream=workshop), ledger.PullReply)
        grant = connection.scope().grants[0].id
        city.ctl("grant", "revoke", lx_uuid(grant), "--for-cause")

        def is_refused():
            try:
                connection.call("PULL", ledger.PullRequest(stream=workshop), ledger.PullReply)
                return False
            except peer.ServerError as error:
                return error.error.reason.reason in (REASON["stream_unknown"], REASON["capability_missing"])

        lx.wait_until(is_refused, 1, "the stream is gone")
        assert workshop not in connection.scope().streams
        assert any(wire.Nudge.FromString(payload).scope_changed for _, payload in connection.events)
        answer = Sender(connection).push(workshop, [office.hours(workshop, 100)])
        assert answer.verdict == ledger.GROUP_REFUSED and answer.reason.reason == REASON["stream_unknown"]


def test_what_was_written_before_a_grant_ended_still_comes_in(city, tmp_path, school):
    workshop = office.unit_id(city, WORKSHOP)
    person = add_teacher(Sender(school), workshop, 2000)
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        scope = connection.scope()
        before, after = office.hours(person, 100), office.hours(person, 200)
        before.scope_version = scope.scope_version
        city.ctl("grant", "revoke", lx_uuid(scope.grants[0].id))
        lx.wait_until(lambda: workshop not in connection.scope().streams, 1, "the grant is gone")
        answer = connection.push(workshop, 1, [before])
        assert answer.verdict == ledger.GROUP_DONE and not answer.refused, answer
        after.scope_version = connection.scope().scope_version
        answer = connection.push(workshop, 2, [after])
        assert answer.verdict != ledger.GROUP_DONE or answer.refused, "written after the end"
        rows = replica(school, workshop)
        assert before.fact.id in rows and after.fact.id not in rows
        assert city.cluster.sql(f"select flags from fact where id = '{before.fact.id.hex()}'") == [["1"]]


def lx_uuid(raw: bytes) -> str:
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def test_an_idle_login_is_checked_before_it_is_used_again(city, tmp_path):
    """Nothing was asked of it for a while; what it asks after the revocation is refused, however idle it was."""
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        time.sleep(2.5)  # no condition to wait for: nobody has used the login for longer than the server counts as use
        token = connection.token
        city.cluster.sql(f"update session set closed_at = now() where token_hash = sha256('\\x{token.hex()}')")
        workshop = office.unit_id(city, WORKSHOP)
        pull = ledger.PullRequest(stream=workshop).SerializeToString()
        try:  # the check on a timer may close the connection at any moment, while sending, too
            for request in [connection.send(wire.Method.Value("PULL"), pull) for _ in range(3)]:
                connection.receive(request)
            assert False, "a closed session was served"
        except peer.ServerError as error:
            assert error.error.code == wire.UNAUTHENTICATED
        except (EOFError, OSError):
            pass


def is_closed(connection) -> bool:
    connection.socket.settimeout(0.05)
    try:
        connection.read_frame()  # a nudge on the way
        return False
    except TimeoutError:
        return False
    except (EOFError, OSError):
        return True


def test_idle_logins_end_as_soon_as_a_right_is_taken(city, tmp_path):
    """Without asking anything: all of them in much less than the turn that idle logins have otherwise (4 s)."""
    device = office.enrol(city, tmp_path, SCHOOL)
    idle = [office.login(city, tmp_path, "head", WORKSHOP, device) for _ in range(6)]
    time.sleep(2.5)  # no condition to wait for: nobody has used the logins for longer than the server counts as use
    city.ctl("device", "revoke", device.id.hex())
    open_ones = list(idle)

    def all_closed():
        open_ones[:] = [one for one in open_ones if not is_closed(one)]
        return not open_ones

    lx.wait_until(all_closed, 2.5, "all connections of the device are closed")


def test_token_logout_and_password(city, tmp_path):
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        with office.reconnect(city, connection) as second:
            request = account.ChangePasswordRequest(old_password="wrong-wrong", new_password="another-one-1")
            assert refused(second, "CHANGE_PASSWORD", request, account.ChangePasswordReply) == REASON["password_wrong"]
            request.old_password, request.new_password = connection.password, "short"
            assert refused(second, "CHANGE_PASSWORD", request,
                           account.ChangePasswordReply) == REASON["password_unacceptable"]
            second.call("LOGOUT", account.LogoutRequest(), account.LogoutReply)
            with pytest.raises(peer.ServerError):
                second.scope()
        ended_within_a_second(connection)
        with peer.Connection(city.server.address, city.tls / "ca.pem", connection.device) as again:
            assert not again.hello(connection.token).logged_in


def is_served(connection) -> bool:
    try:
        return len(connection.scope().grants) == 1
    except peer.ServerError as error:
        assert error.error.reason.reason == REASON["password_first"]
        return False


# Served before the password is a person's own.
BEFORE_THE_PASSWORD = {"PING", "HELLO", "ENROL", "RENEW", "LOGIN", "LOGOUT", "CHANGE_PASSWORD", "METHOD_UNKNOWN", "NUDGE"}


def test_a_password_that_was_given_is_changed_first(city, tmp_path):
    with office.login(city, tmp_path, "school_admin", SCHOOL) as admin:
        request = account.UserAddRequest(account="given.password", name="新", unit_code=WORKSHOP, role=ledger.HEAD)
        given = admin.call("USER_ADD", request, account.UserAddReply).password
        with peer.Connection(city.server.address, city.tls / "ca.pem", admin.device) as fresh, \
                peer.Connection(city.server.address, city.tls / "ca.pem", admin.device) as resumed:
            fresh.hello()
            reply = fresh.login("given.password", given)
            assert reply.must_change_password
            assert resumed.hello(reply.session_token).logged_in
            for connection in (fresh, resumed):
                for method in set(wire.Method.keys()) - BEFORE_THE_PASSWORD:
                    assert refused(connection, method, account.ScopeRequest(), None) == REASON["password_first"], method
            request = account.ChangePasswordRequest(old_password=given, new_password="my-own-password-1")
            resumed.call("CHANGE_PASSWORD", request, account.ChangePasswordReply)
            assert len(resumed.scope().grants) == 1
            lx.wait_until(lambda: is_served(fresh), 10, "the same login on another connection")


def test_wrong_password_and_unknown_account_look_the_same(city, tmp_path):
    with office.login(city, tmp_path, "head", WORKSHOP) as connection, \
            peer.Connection(city.server.address, city.tls / "ca.pem", connection.device) as again:
        again.hello()
        errors = set()
        city.user("known.account", "head", WORKSHOP, office.PASSWORD)
        for name in ("known.account", "unknown.account"):
            errors.add(error_bytes(again, "LOGIN", account.LoginRequest(account=name, password="not-this-one"),
                                   account.LoginReply))
        assert len(errors) == 1


# ---- certificates ----


def test_a_certificate_is_renewed_for_the_same_key_only(city, tmp_path):
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        request = account.RenewRequest(csr=connection.device.request())
        reply = connection.call("RENEW", request, account.RenewReply)
        connection.device.install(reply.certificate)
        with peer.Connection(city.server.address, city.tls / "ca.pem", connection.device) as again:
            assert again.hello(connection.token).logged_in
        other = account.RenewRequest(csr=peer.Device(tmp_path / "other").request())
        assert refused(connection, "RENEW", other, account.RenewReply) == REASON["request_not_valid"]


def test_a_code_works_once_and_not_for_ever_guessing(city, school, tmp_path):
    code = school.call("CODE_ISSUE", account.CodeIssueRequest(unit_code=WORKSHOP, valid_hours=1), account.CodeIssueReply)
    assert code.until_ms > time.time() * 1000
    with peer.Connection(city.server.address, city.tls / "ca.pem") as connection:
        connection.hello()
        reply = connection.enrol(code.code.lower().replace("-", " "), peer.Device(tmp_path / "a"))
        assert len(reply.device) == 32
        request = account.EnrolRequest(code=code.code, csr=peer.Device(tmp_path / "b").request())
        assert refused(connection, "ENROL", request, account.EnrolReply) == REASON["code_not_valid"]
        request = account.EnrolRequest(code=code.code, csr=b"rubbish")
        assert refused(connection, "ENROL", request, account.EnrolReply) == REASON["request_not_valid"]


# ---- pull ----


def test_cursors_that_cannot_be(city, head):
    workshop = office.unit_id(city, WORKSHOP)
    head_now = head.call("PULL", ledger.PullRequest(stream=workshop), ledger.PullReply).head
    request = ledger.PullRequest(stream=workshop, cursor=head_now + 1000)
    assert refused(head, "PULL", request, ledger.PullReply) == REASON["cursor_ahead"]
    for request in (ledger.PullRequest(stream=workshop, cursor=2**63), ledger.PullRequest(stream=workshop, limit=0),
                    ledger.PullRequest(stream=workshop, limit=1001)):
        assert refused(head, "PULL", request, ledger.PullReply) == REASON["field_invalid"]
    assert refused(head, "PULL", ledger.PullRequest(stream=b"short"), ledger.PullReply) == REASON["id_malformed"]


def test_everybody_reads_the_citys_stream(city, head):
    rows = replica(head, office.unit_id(city, "340100"))
    assert sum(row.HasField("unit") for row in rows.values()) >= 13
    assert [row.programme.code for row in rows.values() if row.HasField("programme")] == ["hefei-2021"]
