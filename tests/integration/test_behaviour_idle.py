"""Many idle clients and a working one beside them. 300 here; the promise's 5,000, with its memory, on a release build:

    ninja -C build-release lianxiaod lianxiao lianxiaoctl && LX_IDLE=5000 LX_BUILD=$PWD/build-release tests/integration/run -k idle
"""
import os
import resource
import time
from pathlib import Path

import lx
import pytest
from conftest import found_city

import behaviour
from behaviour import SCHOOL, WORKSHOP, Teacher, bring

import office as protocol  # noqa: E402  (tests/interop, on the path since behaviour)
import peer  # noqa: E402

IDLE = int(os.environ.get("LX_IDLE", "300"))
KIB_PER_CONNECTION = 24
PATIENCE_S = 5


@pytest.fixture(name="city")
def fixture_city():
    limits = lx.raise_descriptor_limit()
    try:
        with lx.Deployment(max_connections=IDLE + 100) as deployment:
            yield found_city(deployment)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def resident_kib(pids: list[int]) -> int:
    return sum(int(line.split()[1]) for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()
               if line.startswith("VmRSS"))


def is_sanitized() -> bool:
    return b"__asan_init" in (lx.BUILD / "server/lianxiaod").read_bytes()


def test_idle_clients_and_a_working_one(city, tmp_path):
    home, teacher = behaviour.office(city, "school_admin", SCHOOL), Teacher(WORKSHOP)
    bring(home, tmp_path, [teacher])
    workers = city.server.children("worker")
    with protocol.login(city, tmp_path, "school_admin", SCHOOL) as first:
        stream = protocol.unit_id(city, WORKSHOP)
        before = resident_kib(workers)
        idle = [protocol.reconnect(city, first) for _ in range(IDLE)]
        kib = (resident_kib(workers) - before) / IDLE
        for connection in idle:
            connection.call("SUBSCRIBE", peer.ledger.SubscribeRequest(streams=[stream]), peer.ledger.SubscribeReply)
        started = time.monotonic()
        record = home.json("record", "add", "credit_hours", teacher.account, "--item", "school", "--quantity", "3", "--at", "2021-09-10")["id"]
        told = home.json("sync")
        behaviour.figures_are_through(city)
        seconds = time.monotonic() - started
        assert (told["sent"], told["waiting"]) == (1, 0)
        print(f"{IDLE} idle connections of {kib:.1f} KiB; recording, syncing, figures beside them: {seconds * 1000:.0f} ms")
        for connection in idle:  # each hears of it, and is still served
            method, kind, _, payload = connection.read_frame()
            assert (method, kind) == (peer.wire.NUDGE, peer.wire.EVENT) and peer.wire.Nudge.FromString(payload).stream == stream
            connection.close()
    assert city.cluster.sql(f"select count(*) from fact where id = '{record}'") == [["1"]]
    assert city.server.children("worker") == workers, "no worker died of it"
    if not is_sanitized():
        assert kib <= KIB_PER_CONNECTION
        assert seconds < PATIENCE_S
