"""Every fault of the proxy really happens, where its plan says; the same seed and a replayed log decide the same."""
import contextlib
import socket
import threading
import time

import pytest

import lx
import proxied

DATA = bytes(range(256)) * 40


class Echo:
    """Sends back what it gets."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.socket.accept()[0],), daemon=True).start()

    @staticmethod
    def serve(peer) -> None:
        with contextlib.suppress(OSError), peer:
            while data := peer.recv(65536):
                peer.sendall(data)


@pytest.fixture(scope="module")
def echo():
    server = Echo()
    yield server
    server.socket.close()


def read(connection, size: int, seconds: float = 20) -> bytes:
    """Up to `size` bytes: less when the other side closes or nothing comes any more."""
    got = b""
    connection.settimeout(seconds)
    with contextlib.suppress(OSError):
        while len(got) < size and (part := connection.recv(65536)):
            got += part
    return got


@contextlib.contextmanager
def planned(echo, folder, line: str):
    """A connection through a proxy that replays this one plan."""
    plan = folder / "plan"
    plan.write_text(f"plan 1 {line}\n", encoding="ascii")
    log = folder / "log"
    with proxied.Proxy(echo.port, 1, log, plan) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 20) as connection:
        yield proxy, connection
        fault = line.split()[0]
        if fault != "none":
            assert proxy.counts()[fault] == 1, "the fault did not happen"
            assert f"did 1 {fault}" in log.read_text()


def test_nothing(echo, tmp_path):
    with planned(echo, tmp_path, "none to_server 0 0") as (_, connection):
        connection.sendall(DATA)
        assert read(connection, len(DATA)) == DATA


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
@pytest.mark.parametrize("at", [0, 1, 5000])
def test_cut(echo, tmp_path, direction, at):
    with planned(echo, tmp_path, f"cut {direction} {at} 0") as (_, connection):
        connection.sendall(DATA)
        got = read(connection, len(DATA))
        assert DATA.startswith(got) and len(got) <= at
        if direction == "to_client":
            assert len(got) == at


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_corrupt(echo, tmp_path, direction):
    with planned(echo, tmp_path, f"corrupt {direction} 5000 129") as (_, connection):
        connection.sendall(DATA)
        expected = bytearray(DATA)
        expected[5000] ^= 129
        assert read(connection, len(DATA)) == bytes(expected)


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_half_open_until_it_heals(echo, tmp_path, direction):
    with planned(echo, tmp_path, f"half_open {direction} 5000 0") as (proxy, connection):
        connection.sendall(DATA)
        got = read(connection, len(DATA), 0.5)
        assert DATA.startswith(got) and len(got) <= 5000 and (direction == "to_server" or len(got) == 5000)
        connection.sendall(b"after")
        proxy.order("heal")
        assert read(connection, len(DATA) - len(got) + 5) == DATA[len(got):] + b"after"


def test_delay(echo, tmp_path):
    with planned(echo, tmp_path, "delay to_server 0 250") as (_, connection):
        started = time.monotonic()
        connection.sendall(DATA)
        assert read(connection, len(DATA)) == DATA
        assert time.monotonic() - started >= 0.5, "there and back"


def test_throttle(echo, tmp_path):
    with planned(echo, tmp_path, "throttle to_server 0 10000") as (_, connection):
        started = time.monotonic()
        connection.sendall(DATA)
        assert read(connection, len(DATA)) == DATA
        assert time.monotonic() - started >= 0.5


def test_orders(echo):
    with proxied.Proxy(echo.port, 3) as proxy:
        proxy.order("heal")
        open_ones = [socket.create_connection(("127.0.0.1", proxy.port), 20) for _ in range(40)]
        for connection in open_ones:
            connection.sendall(DATA)
            assert read(connection, len(DATA)) == DATA, "healed: no fault at all"
        proxy.order("cut")
        assert all(read(connection, 1) == b"" for connection in open_ones)
        counts = proxy.counts()
        assert counts["connections"] == 40 and counts["cut"] == counts["corrupt"] == 0


def plans(seed: int, count: int = 4000) -> list[str]:
    return lx.run([proxied.PROGRAM, "--plan", count, "--seed", seed]).stdout.splitlines()


def test_a_seed_decides(tmp_path):
    assert plans(1) == plans(1) and plans(1) != plans(2)
    kinds = [line.split()[2] for line in plans(1)]
    shares = {kind: kinds.count(kind) / len(kinds) for kind in set(kinds)}
    assert len(shares) == 6 and min(shares.values()) > 0.03, shares


def test_a_log_replays(echo, tmp_path):
    def decided(log):
        return [line for line in log.read_text().splitlines() if line.startswith("plan")]

    def talk(proxy):
        for _ in range(30):
            with socket.create_connection(("127.0.0.1", proxy.port), 20):
                pass
        lx.wait_until(lambda: proxy.counts()["connections"] == 30, 20)

    with proxied.Proxy(echo.port, 5, tmp_path / "first") as proxy:
        talk(proxy)
    with proxied.Proxy(echo.port, 6, tmp_path / "second", tmp_path / "first") as proxy:
        talk(proxy)
    assert decided(tmp_path / "first") == decided(tmp_path / "second") == plans(5, 30)
