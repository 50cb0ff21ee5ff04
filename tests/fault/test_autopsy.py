"""When clients are not answered, what everybody was doing then is kept: the server's processes, PostgreSQL and the clients."""
import os
import signal

import pytest

import autopsy
import kills
import load

PARTS = {
    "machine": "MemTotal",
    "processes": "T (stopped)",             # the worker's state, and its descriptors
    "sockets": "local_address",
    "activity": "lianxiaod reads 0",
    "locks": "granted",
    "status": "unit",
    "server.log": "listening on",
    "postgres.log": "postgres",
    "clients": "client.py",                 # a line of a thread that waits
}


def test_an_unanswered_fleet_is_looked_at(tmp_path, monkeypatch):
    def stop_workers(city, _rng):
        for pid in city.server.children("worker"):
            os.kill(pid, signal.SIGSTOP)

    monkeypatch.setitem(kills.KINDS, "worker", stop_workers)
    real = load.Fleet.await_progress
    patience = iter([240, 3])
    monkeypatch.setattr(load.Fleet, "await_progress", lambda fleet: real(fleet, next(patience)))
    with load.lx.Deployment(drain_timeout_ms=500) as city:
        with pytest.raises(AssertionError, match="(?s)(not answered|does not drain): .*autopsy: "):
            kills.kill_under_load(city, tmp_path, 1, ["worker"], lambda done: done == 0, clients=2)
        for pid in city.server.children("worker"):
            os.kill(pid, signal.SIGCONT)
    found = {part.name: part.read_text(encoding="utf-8") for part in (tmp_path / "autopsy").iterdir()}
    assert found.keys() == PARTS.keys()
    for name, word in PARTS.items():
        assert word in found[name], f"{name}: {found[name][:2000]}"


def test_what_cannot_be_had_hides_nothing(tmp_path):
    class Gone:
        processes = ()
        folder = tmp_path

        def __getattr__(self, name):
            raise OSError(name)

    folder = autopsy.write(type("City", (), {"server": type("Server", (), {"process": None}), "cluster": Gone()}), tmp_path / "autopsy", Gone())
    assert "not to be had" in (folder / "activity").read_text(encoding="utf-8")
    assert "MemTotal" in (folder / "machine").read_text(encoding="utf-8")
