"""Writers under load, their history of acknowledgements, and the check of it against the database.

A writer notes what it is about to send and what was acknowledged; whatever happens in between it connects again and
sends the same operations, as a client must. The check: every acknowledged fact is in the ledger exactly once, nothing is
there that nobody sent, streams have no holes, every stream's head agrees with its rows.
"""
import threading
import time

import lx
import office
import peer

BATCH = 5
QUIET = (OSError, EOFError, AssertionError, peer.ServerError)  # what a killed process looks like from outside


class Writer(threading.Thread):
    """One school's office that records hours as fast as it is answered."""

    def __init__(self, city: lx.Deployment, folder, workshop_code: str, number: int):
        super().__init__(daemon=True)
        self.city = city
        self.connection = office.login(city, folder, "school_admin", workshop_code.split("-")[0])
        self.stream = office.unit_id(city, workshop_code)
        self.person, roster = office.teacher(self.stream, number)
        answer = self.connection.push(self.stream, 1, roster)
        assert answer.verdict == peer.ledger.GROUP_DONE and not answer.refused, answer
        self.next_op = len(roster) + 1
        self.sent: set[bytes] = set()
        self.acknowledged: list[bytes] = []
        self.repeats = 0
        self.stopping = threading.Event()
        self.fault = None

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.write_batch()
        except BaseException as fault:  # noqa: BLE001  (the test's thread looks at it)
            self.fault = fault

    def write_batch(self) -> None:
        operations = [office.hours(self.person, 1) for _ in range(BATCH)]
        ids = [o.fact.id for o in operations]
        self.sent.update(ids)
        answer = self.push_until_answered(operations)
        assert not answer.refused, answer
        self.next_op += len(operations)
        self.acknowledged += ids

    def push_until_answered(self, operations):
        """The queue drains however often the connection breaks: at most 60 s."""
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = self.connection.push(self.stream, self.next_op, operations)
                if answer.verdict in (peer.ledger.GROUP_DONE, peer.ledger.GROUP_REPEATED):
                    self.repeats += answer.verdict == peer.ledger.GROUP_REPEATED
                    return answer
                raise RuntimeError(f"verdict {answer}")
            except QUIET:
                assert time.monotonic() < deadline, "the queue does not drain"
                self.connect_again(deadline)

    def connect_again(self, deadline: float) -> None:
        self.connection.close()
        while True:
            try:
                self.connection = office.reconnect(self.city, self.connection)
                return
            except QUIET:
                assert time.monotonic() < deadline, "the server does not come back"
                time.sleep(0.05)

    def finish(self) -> None:
        self.stopping.set()
        self.join(90)
        assert not self.is_alive(), "a writer hangs"
        if self.fault is not None:
            raise self.fault


def acknowledged_by(writers) -> int:
    return sum(len(w.acknowledged) for w in writers)


def await_progress(writers) -> None:
    """Until every writer has had one more acknowledgement."""
    before = [len(w.acknowledged) for w in writers]

    def moved():
        for writer in writers:
            if writer.fault is not None:
                raise writer.fault
        return all(len(w.acknowledged) > n for w, n in zip(writers, before))

    lx.wait_until(moved, 60, "every writer is acknowledged again")


def check(city: lx.Deployment, writers) -> None:
    stored = [row[0] for row in city.cluster.sql("select replace(id::text, '-', '') from fact")]
    present = set(stored)
    assert len(stored) == len(present), f"{len(stored) - len(present)} facts are there twice"
    acknowledged = {f.hex() for w in writers for f in w.acknowledged}
    assert len(acknowledged) == acknowledged_by(writers)
    assert not acknowledged - present, f"{len(acknowledged - present)} acknowledged facts are lost"
    assert not present - {f.hex() for w in writers for f in w.sent}, "facts that nobody sent"
    for writer in writers:
        rows, reply = writer.connection.pull_all(writer.stream, 1000)
        digest = 0
        for row in rows.values():
            digest ^= peer.row_digest(row.id, row.version)
        assert (len(rows), digest) == (reply.live_count, reply.digest), "the stream is not what its head says"
        assert {f for f in writer.acknowledged} <= set(rows)


def check_figures(city: lx.Deployment) -> None:
    """The queues drain: standings and roll-ups come to contain everything, and verify finds no difference."""
    lx.wait_until(lambda: city.cluster.sql("select count(*) from todo") == [["0"]], 60, "the assessor's todo is empty")
    city.ctl("verify")
