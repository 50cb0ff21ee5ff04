"""Restarts with sockets that are handed over, and certificates that are changed, under connections all the time."""
import random
import signal
import socket
import ssl
import threading
from pathlib import Path

import lx
import service


class Connector(threading.Thread):
    """Connects, greets, goes, again and again. Nobody may refuse it; a server that ends may close what it had begun with."""

    def __init__(self, port: int, context: ssl.SSLContext):
        super().__init__(daemon=True)
        self.port, self.context = port, context
        self.connected = self.cut_short = 0
        self.fault = None
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set() and self.fault is None:
            try:
                raw = socket.create_connection(("127.0.0.1", self.port), 60)
            except OSError as fault:
                self.fault = fault  # refused, or not taken within a minute
                return
            self.greet(raw)

    def greet(self, raw: socket.socket) -> None:
        try:
            with self.context.wrap_socket(raw, server_hostname="localhost") as stream:
                service.ask(stream, service.HELLO_1)
            self.connected += 1
        except (OSError, EOFError):
            raw.close()
            self.cut_short += 1

    def finish(self) -> None:
        self.join(120)


class Connectors(service.Crowd):
    """A connection that is refused is a finding."""

    def __init__(self, port: int, context: ssl.SSLContext, count: int = 4):
        super().__init__([Connector(port, context) for _ in range(count)])

    def await_progress(self) -> None:
        before = [one.connected for one in self.all]
        lx.wait_until(lambda: any(one.fault for one in self.all) or
                      all(one.connected > n for one, n in zip(self.all, before)), 120, "everybody is served")

    def counts(self) -> dict:
        return {"refused_connections": sum(one.fault is not None for one in self.all), "connected": sum(one.connected for one in self.all),
                "cut_short": sum(one.cut_short for one in self.all)}


def restart_under_connects(server: lx.Server, context: ssl.SSLContext, restarts: int) -> dict:
    """Ends the server and starts it anew, so often; AssertionError when a connection is refused."""
    server.launch()
    with Connectors(server.port, context) as crowd:
        for _ in range(restarts):
            crowd.await_progress()
            server.stop()
            server.launch()
        crowd.await_progress()
    server.stop()
    crowd.check()
    return {"restarts": restarts, **crowd.counts()}


def fingerprint(port: int, context: ssl.SSLContext) -> bytes:
    with service.greet(port, context) as stream:
        return stream.getpeercert(binary_form=True)


BROKEN = {
    "no certificate": lambda folder: (folder / "server.pem").write_text("no certificate", encoding="ascii"),
    "empty key": lambda folder: (folder / "server.key").write_text("", encoding="ascii"),
    "cut in the middle": lambda folder: (folder / "server.pem").write_bytes((folder / "server.pem").read_bytes()[:200]),
    "gone": lambda folder: (folder / "server.key").unlink(),
    "of another key": lambda folder: (folder / "server.key").write_bytes((folder / "other.key").read_bytes()),
}


def swap_under_load(start, tls: Path, folder: Path, swaps: int, pingers: int, seed: int = 1) -> dict:
    """start(**settings) -> server. Every third swap is broken and must change nothing; no connection may be lost."""
    rng = random.Random(seed)
    folder.mkdir()
    for name in ("server.pem", "server.key"):
        (folder / name).write_bytes((tls / name).read_bytes())
    server = start(cert=folder / "server.pem", key=folder / "server.key", workers=1,
                   hello_timeout_ms=600000)  # pingers have no login
    context = service.trust(tls)
    counts = {"swaps": 0, "broken": 0, "dropped": 0}
    with service.Pingers(pingers, server.port, context, 0.05) as crowd:
        for number in range(swaps):
            before = fingerprint(server.port, context)
            reloads = server.log.read_text(encoding="utf-8").count("reload")
            good = {name: (folder / name).read_bytes() for name in ("server.pem", "server.key")}
            pem, key = service.make_certificate(folder / "next", tls)
            broken = rng.choice(list(BROKEN)) if number % 3 == 2 else None
            (folder / "other.key").write_bytes(key.read_bytes())
            if broken:
                BROKEN[broken](folder)
            else:
                key.rename(folder / "server.key")
                pem.rename(folder / "server.pem")
            server.process.send_signal(signal.SIGHUP)
            lx.wait_until(lambda: server.log.read_text(encoding="utf-8").count("reload") > reloads, 60, "the reload in the log")
            changed = fingerprint(server.port, context) != before
            assert changed != bool(broken), f"after {broken or 'a good swap'}: the certificate is {'another' if changed else 'the same'}"
            for name, data in good.items() if broken else ():
                (folder / name).write_bytes(data)
            counts["swaps"] += 1
            counts["broken"] += bool(broken)
        crowd.check()
    return counts
