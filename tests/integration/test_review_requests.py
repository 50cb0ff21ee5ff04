"""Requests that wait while the login of their connection ends or another one takes its place."""
import select
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import lx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import office  # noqa: E402
import peer  # noqa: E402
from attacks import number  # noqa: E402

wire, ledger, account, statistics = peer.wire, peer.ledger, peer.account, peer.statistics
SCHOOL, WORKSHOP = "3401030001", "3401030001-01"


@contextmanager
def locked(deployment, table: str):
    """Whoever reads the table waits until the block ends."""
    command = [str(lx.ROOT / "deploy/cluster"), "psql", str(deployment.cluster.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as psql:
        psql.stdin.write(f"begin; lock table lx.{table} in access exclusive mode;\n\\echo locked\n")
        psql.stdin.flush()
        while psql.stdout.readline().strip() != "locked":
            assert psql.poll() is None
        yield
        psql.stdin.write("commit;\n")
        psql.stdin.close()


def waits_for_lock(deployment, n: int = 1):
    lx.wait_until(lambda: int(deployment.cluster.sql(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock'")[0][0]) >= n, 20, "a statement waits")


def answers(connection, n: int) -> dict:
    """request id -> (kind, payload) of the next n answers, whatever their order."""
    got = {}
    while len(got) < n:
        _, kind, request, payload = connection.read_frame()
        if kind != wire.EVENT:
            got[request] = (kind, payload)
    return got


WAITING = {  # method -> (the table that it reads, request)
    "STANDING": ("standing", lambda ids: statistics.StandingRequest(programme=1, subject=ids["workshop"])),
    "PULL": ("head", lambda ids: ledger.PullRequest(stream=ids["workshop"])),
    "SUBSCRIBE": ("head", lambda ids: ledger.SubscribeRequest(streams=[ids["workshop"]])),
    "SCOPE": ("op_run", lambda ids: account.ScopeRequest()),
    "STATISTICS": ("rollup", lambda ids: statistics.StatisticsRequest(programme=1, unit=ids["workshop"])),
    "PUSH": ("head", lambda ids: ledger.PushRequest(groups=[ledger.PushGroup(
        stream=ids["workshop"], first_op_seq=1, operations=[office.hours(ids["workshop"], 100).SerializeToString()])])),
}


@pytest.mark.parametrize("method", WAITING)
def test_a_request_that_waits_outlives_its_login(city, tmp_path, method):
    """The client logs out while it is under way: it gets its answer (or is told), and nobody else is harmed."""
    workers = city.server.children("worker")
    table, make = WAITING[method]
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        ids = {"workshop": office.unit_id(city, WORKSHOP)}
        connection.scope()
        with locked(city, table):
            waiting = connection.send(number(method), make(ids).SerializeToString())
            waits_for_lock(city)
            leaving = connection.send(number("LOGOUT"), b"")
            assert answers(connection, 1)[leaving][0] == wire.REPLY
        kind, payload = answers(connection, 1)[waiting]
        if kind == wire.ERROR:
            assert wire.Error.FromString(payload).code == wire.UNAUTHENTICATED
        ping = connection.send(number("PING"), b"")
        assert answers(connection, 1)[ping][0] == wire.REPLY
    assert city.server.children("worker") == workers


def test_a_subscription_does_not_pass_to_the_next_login(city, tmp_path):
    """Asked for by one login, answered when another has the connection: refused, and nothing is told about the stream."""
    workshop = office.unit_id(city, WORKSHOP)
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        connection.scope()
        with locked(city, "head"):
            waiting = connection.send(number("SUBSCRIBE"), ledger.SubscribeRequest(streams=[workshop]).SerializeToString())
            waits_for_lock(city)
            leaving = connection.send(number("LOGOUT"), b"")
            assert answers(connection, 1)[leaving][0] == wire.REPLY
        kind, payload = answers(connection, 1)[waiting]
        assert kind == wire.ERROR and wire.Error.FromString(payload).code == wire.UNAUTHENTICATED
        with office.login(city, tmp_path, "school_admin", SCHOOL) as writer:
            _, roster = office.teacher(workshop, 70001)
            first = dict(zip(writer.scope().streams, writer.scope().next_op_seq))[workshop]
            with office.login(city, tmp_path, "head", WORKSHOP) as listener:
                listener.call("SUBSCRIBE", ledger.SubscribeRequest(streams=[workshop]), ledger.SubscribeReply)
                assert writer.push(workshop, first, roster).verdict == ledger.GROUP_DONE
                assert listener.read_frame()[1] == wire.EVENT  # told: whoever is to be told has been told
        ping = connection.send(number("PING"), b"")
        _, kind, request, _ = connection.read_frame()
        assert (kind, request) == (wire.REPLY, ping), "no event came before it"


def test_a_request_belongs_to_the_login_it_came_with(city, tmp_path):
    """Pipelined behind it comes another login: the push is not that one's."""
    workshop = office.unit_id(city, WORKSHOP)
    with office.login(city, tmp_path, "school_admin", SCHOOL) as connection:
        _, roster = office.teacher(workshop, 70002)
        assert connection.push(workshop, 1, roster).verdict == ledger.GROUP_DONE
        person = roster[0].person.id
        city.user("second.one", "school_admin", SCHOOL, office.PASSWORD)
        group = ledger.PushGroup(stream=workshop, first_op_seq=3,
                                 operations=[office.hours(person, 100).SerializeToString()])
        login = account.LoginRequest(account="second.one", password=office.PASSWORD)
        with locked(city, "session"):  # so that the push waits for the check of its login, if it needs one
            push = connection.send(number("PUSH"), ledger.PushRequest(groups=[group]).SerializeToString())
            second = connection.send(number("LOGIN"), login.SerializeToString())
        got = answers(connection, 2)
        assert got[second][0] == wire.REPLY
        if got[push][0] == wire.REPLY:
            writer = account.LoginReply.FromString(got[second][1]).person
            runs = city.cluster.sql(f"select count(*) from op_run where person = '{writer.hex()}' and op_from = 3")
            assert runs == [["0"]]
        else:
            assert wire.Error.FromString(got[push][1]).code == wire.UNAUTHENTICATED


@pytest.mark.parametrize("pulls, first", [(3, "PING"), (4, "PULL"), (40, "PULL")])
def test_pages_under_way_are_few(city, tmp_path, pulls, first):
    """A page of rows is large, so each takes eight of the 32 places: behind four of them nothing more is read."""
    with office.login(city, tmp_path, "head", WORKSHOP) as connection:
        request = ledger.PullRequest(stream=office.unit_id(city, WORKSHOP)).SerializeToString()
        connection.scope()
        with locked(city, "head"):
            pages = [connection.send(number("PULL"), request) for _ in range(pulls)]
            waits_for_lock(city)
            ping = connection.send(number("PING"), b"")
            if first == "PING":
                assert answers(connection, 1) == {ping: (wire.REPLY, b"")}
            else:
                assert not select.select([connection.socket], [], [], 0.3)[0], "the Ping was read"
        got = list(answers(connection, pulls + (first == "PULL")))
        assert got[0] in pages
        assert sorted(got) == sorted(pages + [ping] * (first == "PULL"))


def test_a_request_whose_scope_is_being_read_when_the_server_ends(deployment, tmp_path):
    """It is not carried out with the scope of before, on connections that are closed already."""
    deployment.server.settings["drain_timeout_ms"] = 300
    deployment.server.stop()
    deployment.server.start()
    workshop = office.unit_id(deployment, WORKSHOP)
    with office.login(deployment, tmp_path, "head", WORKSHOP) as connection:
        connection.scope()
        rested = time.monotonic() + 2.8
        with locked(deployment, "unit"):
            # Unseen by the watch over rights, and after the login's own check at rest: so the request finds it.
            lx.wait_until(lambda: time.monotonic() > rested, what="the connection is at rest")
            deployment.cluster.sql("set session_replication_role = replica; update lx.role_grant set given_at = now()")
            connection.send(number("PULL"), ledger.PullRequest(stream=workshop).SerializeToString())
            waits_for_lock(deployment)
            deployment.server.stop()  # asserts that nothing went wrong in it


@contextmanager
def unreadable(deployment, table: str):
    """The workers may not read the table while the block lasts."""
    deployment.cluster.sql(f"revoke select on {table} from lianxiao_api")
    try:
        yield
    finally:
        deployment.cluster.sql(f"grant select on {table} to lianxiao_api")


def code_of(connection, method: str, request) -> int:
    """The code of the error that answers it; OK when none does."""
    sent = connection.send(number(method), request.SerializeToString())
    kind, payload = answers(connection, 1)[sent]
    return wire.Error.FromString(payload).code if kind == wire.ERROR else wire.OK


def test_what_could_not_be_looked_up_is_not_unknown(city, tmp_path):
    """A programme and a unit that a worker does not know are refused only after it could look for them."""
    workshop = office.unit_id(city, WORKSHOP)
    with office.login(city, tmp_path, "school_admin", SCHOOL) as connection:
        person, roster = office.teacher(workshop, 70003)
        assert connection.push(workshop, 1, roster).verdict == ledger.GROUP_DONE
        operation = office.hours(person, 100)
        operation.fact.programme = 77
        group = ledger.PushGroup(stream=workshop, first_op_seq=1 + len(roster), operations=[operation.SerializeToString()])
        with unreadable(city, "scheme"):
            assert code_of(connection, "PUSH", ledger.PushRequest(groups=[group])) == wire.INTERNAL
        answer = connection.call("PUSH", ledger.PushRequest(groups=[group]), ledger.PushReply).groups[0]
        assert answer.verdict == ledger.GROUP_DONE and len(answer.refused) == 1, "now it is known that there is none"
        ask = account.CodeIssueRequest(unit_code=f"{SCHOOL}-77")
        with unreadable(city, "unit"):
            assert code_of(connection, "CODE_ISSUE", ask) == wire.INTERNAL
        assert code_of(connection, "CODE_ISSUE", ask) == wire.NOT_FOUND
