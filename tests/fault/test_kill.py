"""kill -9 of every kind of process under load, LX_KILLS (12) times: nothing acknowledged is lost or doubled, streams,
replicas and figures are whole, the queues drain."""
import os

import pytest

import kills
import lx

KILLS = int(os.environ.get("LX_KILLS", "12"))


@pytest.mark.parametrize("kinds", [["worker", "assessor", "master"], ["database"], ["move", "assessor", "worker"]], ids=["server", "database", "moves"])
def test_kill_under_load(tmp_path, kinds):
    rounds = KILLS if "master" in kinds else KILLS // 2  # it takes PostgreSQL longer to come back, and a school to travel
    with lx.Deployment(drain_timeout_ms=500) as city:
        counts = kills.kill_under_load(city, tmp_path, 1, kinds, lambda done: done < rounds)
    print(counts)
    assert counts["kills"] == rounds
    assert counts["acknowledged"] > 100 and counts["pulled_rows"] > 100
