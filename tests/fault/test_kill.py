"""kill -9 of every kind of process under load, 20 times each: nothing acknowledged is lost or doubled, the queues drain."""
import os
import random
import signal

import pytest

import history
import lx

KILLS = int(os.environ.get("LX_KILLS", "20"))
WORKSHOPS = ["3401030001-01", "3401030001-02", "3401040001-01", "3401040002-01"]


def start_writers(city, tmp_path):
    writers = [history.Writer(city, tmp_path, code, number) for number, code in enumerate(WORKSHOPS, 1)]
    for writer in writers:
        writer.start()
    return writers


def kill_child(city, role: str) -> None:
    victims = city.server.children(role)
    assert victims, f"no {role} runs"
    victim = random.choice(victims)
    os.kill(victim, signal.SIGKILL)
    lx.wait_until(lambda: [p for p in city.server.children(role) if p != victim], 30, f"a new {role}")


def kill_worker(city) -> None:
    kill_child(city, "worker")


def kill_assessor(city) -> None:
    kill_child(city, "assessor")


def kill_master(city) -> None:
    children = city.server.children()
    city.server.stop(signal.SIGKILL)
    lx.wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 30, "its children end, too")
    city.server.start()


def kill_database(city) -> None:
    os.kill(city.cluster.postmaster(), signal.SIGKILL)
    lx.wait_until(lambda: start_again(city), 60, "PostgreSQL starts again")


def start_again(city) -> bool:
    # Its children may hold the shared memory for a moment after the postmaster is gone.
    try:
        city.cluster.start()
        return True
    except lx.Failed:
        return False


@pytest.mark.parametrize("kill", [kill_worker, kill_assessor, kill_master, kill_database],
                         ids=["worker", "assessor", "master", "database"])
def test_kill_under_load(city, tmp_path, kill):
    writers = start_writers(city, tmp_path)
    history.await_progress(writers)
    for _ in range(KILLS):
        kill(city)
        history.await_progress(writers)
    for writer in writers:
        writer.finish()
    print(f"{KILLS} kills, {history.acknowledged_by(writers)} acknowledged, {sum(w.repeats for w in writers)} repeated")
    history.check(city, writers)
    history.check_figures(city)


def test_the_check_finds_what_it_is_for(city, tmp_path):
    """Planted: a lost fact, a doubled claim, a fact that nobody sent."""
    writers = start_writers(city, tmp_path)
    history.await_progress(writers)
    for writer in writers:
        writer.finish()
    history.check(city, writers)
    first = writers[0]
    first.acknowledged.append(b"\x01" * 16)
    with pytest.raises(AssertionError, match="lost"):
        history.check(city, writers)
    first.acknowledged[-1] = first.acknowledged[0]
    with pytest.raises(AssertionError):
        history.check(city, writers)
    first.acknowledged.pop()
    first.sent.discard(first.acknowledged[0])
    with pytest.raises(AssertionError, match="nobody sent"):
        history.check(city, writers)
