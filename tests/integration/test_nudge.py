"""Subscriptions: a commit is felt by subscribers of every worker at once, and of another node within the second that a
lost hint may cost."""
import sys
import time
from pathlib import Path

import pytest

import lx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import office  # noqa: E402
import peer  # noqa: E402

wire, ledger = peer.wire, peer.ledger
SCHOOL, WORKSHOP = "3401030001", "3401030001-01"


@pytest.fixture(scope="module")
def busy():
    """A city whose server has two workers."""
    with lx.Deployment(workers=2) as deployment:
        deployment.ctl("unit", "import", lx.ROOT / "tests/integration/units.csv")
        deployment.ctl("programme", "start", lx.ROOT / "deploy/schemes/hefei-2021.yaml")
        deployment.server.start()
        yield deployment


@pytest.fixture(scope="module")
def school(busy, tmp_path_factory):
    connection = office.login(busy, tmp_path_factory.mktemp("school"), "school_admin", SCHOOL)
    workshop = office.unit_id(busy, WORKSHOP)
    person, operations = office.teacher(workshop, 1)
    assert not connection.push(workshop, 1, operations).refused
    connection.workshop, connection.person, connection.next = workshop, person, 3
    return connection


def push(school) -> int:
    """One more fact; the stream's head after it."""
    answer = school.push(school.workshop, school.next, [office.hours(school.person, 100)])
    assert answer.verdict == ledger.GROUP_DONE and not answer.refused, answer
    school.next += 1
    return answer.seq


def subscribe(connection, *streams):
    reply = connection.call("SUBSCRIBE", ledger.SubscribeRequest(streams=list(streams)), ledger.SubscribeReply)
    assert [head.stream for head in reply.heads] == list(streams)
    return {head.stream: head.head for head in reply.heads}


def wait_nudge(connection, stream: bytes, head: int, seconds: float) -> float:
    """How long it took until the connection was told that the stream is at `head` or beyond."""
    begin = time.monotonic()
    connection.socket.settimeout(seconds)
    while True:
        method, kind, request, payload = connection.read_frame()
        assert (method, kind, request) == (wire.NUDGE, wire.EVENT, 0)
        nudge = peer.wire.Nudge.FromString(payload)
        if nudge.stream == stream and nudge.head >= head:
            connection.socket.settimeout(20)
            return time.monotonic() - begin


def test_every_worker_tells_its_subscribers(busy, school):
    watchers = [office.reconnect(busy, school) for _ in range(12)]
    for watcher in watchers:
        subscribe(watcher, school.workshop)
    times = []
    for _ in range(9):
        begin = time.monotonic()
        head = push(school)
        for watcher in watchers:
            wait_nudge(watcher, school.workshop, head, 5)
        times.append(time.monotonic() - begin)
    assert sorted(times)[4] < 0.25, times  # the look at the heads every second would give 0.5 and more
    for watcher in watchers:
        watcher.close()


def test_another_node_hears_of_it_within_a_second(busy, school):
    folder = busy.folder / "second"
    folder.mkdir()
    second = lx.Server(folder, busy.cluster.dsn, busy.tls, workers=1, dsn_assessor="")
    second.start()
    try:
        watcher = peer.Connection(second.address, busy.tls / "ca.pem", school.device)
        assert watcher.hello(school.token).logged_in
        subscribe(watcher, school.workshop)
        for _ in range(3):
            head = push(school)
            assert wait_nudge(watcher, school.workshop, head, 5) < 2
        watcher.close()
    finally:
        second.stop()


def test_what_moved_before_is_told_at_once(busy, school):
    """Between the heads of the answer and the next commit nothing falls through."""
    watcher = office.reconnect(busy, school)
    for _ in range(5):
        before = subscribe(watcher, school.workshop)[school.workshop]
        head = push(school)
        assert head > before
        wait_nudge(watcher, school.workshop, head, 5)
    watcher.close()


def test_a_new_set_replaces_the_old(busy, school):
    watcher = office.reconnect(busy, school)
    subscribe(watcher, school.workshop, office.unit_id(busy, SCHOOL))
    subscribe(watcher, office.unit_id(busy, SCHOOL))
    push(school)
    watcher.socket.settimeout(2.5)  # an interval of silence: more than two looks at the heads
    with pytest.raises(TimeoutError):
        while True:
            payload = watcher.read_frame()[3]
            assert peer.wire.Nudge.FromString(payload).stream != school.workshop
    watcher.close()
