"""Enrol, log in, push, pull, statistics by a client that knows proto/ and nothing else."""
import pytest

import lx
import peer
from office import hours, login, teacher, unit_id

def test_ping_before_everything(city):
    with peer.Connection(city.server.address, city.tls / "ca.pem") as connection:
        connection.hello()
        reply = connection.call("PING", peer.wire.PingRequest(payload=b"\x00\xffbytes"), peer.wire.PingReply)
        assert reply.payload == b"\x00\xffbytes"


def test_the_wrong_code_is_refused(city, tmp_path):
    with peer.Connection(city.server.address, city.tls / "ca.pem") as connection:
        connection.hello()
        with pytest.raises(peer.ServerError):
            connection.enrol("AAAA-AAAA-AAAA", peer.Device(tmp_path / "device"))


def test_enrol_login_push_pull_statistics(city, tmp_path):
    school, workshop = unit_id(city, "3401030001"), unit_id(city, "3401030001-01")
    with login(city, tmp_path, "school_admin", "3401030001") as connection:
        scope = connection.scope()
        assert {school, workshop} <= set(scope.streams)
        next_op = dict(zip(scope.streams, scope.next_op_seq))
        person, roster = teacher(workshop, 1)
        answer = connection.push(workshop, next_op[workshop], roster)
        assert answer.verdict == peer.ledger.GROUP_DONE and not answer.refused, answer

        first = next_op[workshop] + len(roster)
        facts = [hours(person, 150), hours(person, -100)]
        answer = connection.push(workshop, first, facts)
        assert answer.verdict == peer.ledger.GROUP_DONE
        assert [r.op_seq for r in answer.refused] == [first + 1], "a negative quantity is refused by name"
        assert "quantity" in answer.refused[0].reason.field
        again = connection.push(workshop, first, facts)
        assert again.verdict == peer.ledger.GROUP_REPEATED and again.refused == answer.refused
        gap = connection.push(workshop, first + 100, [hours(person, 100)])
        assert gap.verdict == peer.ledger.GROUP_GAP and gap.expected == first + 2

        rows, reply = connection.pull_all(workshop)
        assert facts[0].fact.id in rows and facts[1].fact.id not in rows and person in rows
        check_complete(rows, reply)
        check_statistics(connection, workshop, school, answer.seq)


def check_complete(rows, reply):
    """Count and digest over the live rows prove that the replica is whole."""
    live = [row for row in rows.values() if row.state == peer.ledger.ROW_LIVE]
    digest = 0
    for row in live:
        digest ^= peer.row_digest(row.id, row.version)
    assert (len(live), digest) == (reply.live_count, reply.digest)


def check_statistics(connection, workshop: bytes, school: bytes, seq: int):
    statistics = peer.statistics
    request = statistics.StatisticsRequest(programme=1, unit=school, by=statistics.BY_UNIT)
    request.at_least.add(stream=workshop, seq=seq)

    def covered():
        reply = connection.call("STATISTICS", request, statistics.StatisticsReply)
        return reply if reply.covers_at_least else None

    reply = lx.wait_until(covered, 10, "statistics that cover the push")
    assert len(reply.lines) == 1 and reply.lines[0].school_hours >= 150 and reply.lines[0].teachers >= 1
    assert reply.complete_through_ms > 0


def test_others_streams_do_not_exist(city, tmp_path):
    foreign = unit_id(city, "3401040001-01")
    with login(city, tmp_path, "head", "3401030001-01") as connection:
        assert foreign not in connection.scope().streams
        errors = []
        for stream in (foreign, peer.uuid7()):
            with pytest.raises(peer.ServerError) as caught:
                connection.call("PULL", peer.ledger.PullRequest(stream=stream), peer.ledger.PullReply)
            errors.append(caught.value.error.SerializeToString())
        assert errors[0] == errors[1], "a foreign stream must look like one that does not exist"


def test_nothing_without_a_login(city):
    with peer.Connection(city.server.address, city.tls / "ca.pem") as connection:
        connection.hello()
        with pytest.raises(peer.ServerError) as caught:
            connection.call("PULL", peer.ledger.PullRequest(stream=peer.uuid7()), peer.ledger.PullReply)
        assert caught.value.error.code in (peer.wire.UNAUTHENTICATED, peer.wire.FAILED_PRECONDITION,
                                           peer.wire.PERMISSION_DENIED)


def test_a_frame_over_the_cap_is_not_waited_for(city):
    with peer.Connection(city.server.address, city.tls / "ca.pem") as connection:
        connection.socket.sendall(peer.HEADER.pack(0xFFFFFFFF, 1, 1, 0, 1))
        with pytest.raises((EOFError, ConnectionError, peer.ServerError)):
            connection.receive(1)
            connection.receive(1)
