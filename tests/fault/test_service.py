"""The service under restarts, new certificates, floods and peers that stall: honest clients notice nothing."""
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import lx
import service
import swaps

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    lx.run([lx.BUILD / "server/ctl/lianxiaoctl", "ca", "init", folder])
    return folder


@pytest.fixture
def server(tls, tmp_path):
    servers = []

    def begin(**settings) -> lx.Server:
        servers.append(service.start_server(tmp_path, tls, **settings))
        return servers[-1]
    yield begin
    for one in servers:
        one.stop()


def test_restarts_refuse_nobody(tls, tmp_path):
    """The listening sockets were handed over: whoever connects between two servers is served by the next."""
    sockets = lx.listening_sockets(2)
    server = lx.Server(tmp_path, "host=/nonexistent dbname=none", tls, dsn_assessor="", workers=2, drain_timeout_ms=500)
    server.hand_over(sockets)
    counts = swaps.restart_under_connects(server, service.trust(tls), 6)
    print(counts)
    assert counts["restarts"] == 6 and counts["connected"] > 6
    for one in sockets:
        one.close()


def test_more_sockets_than_workers_are_refused(tls, tmp_path):
    sockets = lx.listening_sockets(2)
    server = lx.Server(tmp_path, "host=/nonexistent dbname=none", tls, dsn_assessor="", workers=1)
    server.hand_over(sockets)
    server.launch()
    assert server.process.wait(60) == 1
    assert "2 sockets were handed over for 1 workers" in server.tail()
    for one in sockets:
        one.close()


def test_what_is_handed_over_must_listen(tls, tmp_path):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        server = lx.Server(tmp_path, "host=/nonexistent dbname=none", tls, dsn_assessor="", workers=1)
        server.hand_over([one])
        server.launch()
        assert server.process.wait(60) == 1
        assert "no listening socket" in server.tail()


def clog(server: lx.Server, context: ssl.SSLContext) -> socket.socket:
    """A connection that has sent more than it reads answers of: the worker's drain waits for it."""
    stream = service.greet(server.port, context)
    stream.settimeout(1)
    ping = (service.HEADER.pack(1003, service.PING, 1, 0, 1) + b"\x0a\xe8\x07" + b"x" * 1000) * 16
    try:
        while True:
            stream.sendall(ping)
    except TimeoutError:
        return stream


def test_nobody_waits_at_the_socket_of_a_killed_master(server, tls):
    """Its children take their time to end; meanwhile the next server answers everybody."""
    context = service.trust(tls)
    one = server(workers=1, dsn_assessor="host=/nonexistent dbname=none", drain_timeout_ms=60000)
    with clog(one, context):
        children = one.children()
        os.kill(one.children("assessor")[0], signal.SIGSTOP)
        try:
            one.stop(signal.SIGKILL)
            lx.wait_until(lambda: "draining" in one.tail(), 60, "the worker drains")
            one.start()
            assert all(os.path.exists(f"/proc/{pid}") for pid in children)
            for _ in range(20):
                service.greet(one.port, context).close()
        finally:
            for pid in children:
                os.kill(pid, signal.SIGKILL)


def test_certificates_rotate_live(server, tls, tmp_path):
    counts = swaps.swap_under_load(server, tls, tmp_path / "swap", 8, pingers=10)
    print(counts)
    assert counts["swaps"] == 8 and counts["broken"] >= 2


def test_stalled_peers_hurt_nobody(server, tls):
    """All five styles at once; what honest clients wait is measured by the campaign, here all of them are served."""
    running = server(workers=1, max_connections=2000)
    context = service.trust(tls)
    crowd = subprocess.Popen([sys.executable, str(HERE / "stalled.py"), str(running.port), "300", str(tls)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert crowd.stdout.readline() == "ready\n"
        with service.Pingers(20, running.port, context) as honest:
            lx.wait_until(lambda: all(len(one.taken) >= 20 or one.fault for one in honest.all), 60, "every one has 20 answers")
            honest.check()
    finally:
        made = crowd.communicate("\n", 60)[0]
    assert int(made) >= 300


def test_a_flood_of_connections_leaves_nothing_behind(server, tls, monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1")  # it keeps what was freed
    running = server(workers=1)
    worker, = lx.wait_until(lambda: running.children("worker"), 30, "the worker")
    context = service.trust(tls)

    def flood(count: int) -> None:
        for number in range(count):
            raw = socket.create_connection(("127.0.0.1", running.port), 30)
            if number % 3 == 1:
                raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
            if number % 3 == 2:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # ends in a reset
            raw.close()

    def at_rest() -> int:
        service.greet(running.port, context).close()
        lx.wait_until(lambda: service.descriptors(worker) <= before, 60, "no descriptor is left over")
        return service.rss_kib(worker)

    service.greet(running.port, context).close()
    before = service.descriptors(worker) + 1
    flood(600)
    first = at_rest()
    threads = [threading.Thread(target=flood, args=(600,)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert at_rest() - first < 8192, "memory grows with connections that are gone"


BAD_CERTIFICATES = {
    # what is wrong: (how it is made, the alert)
    "expired too long ago to be renewed": ({"dates": ("20200101", "20210101")}, "certificate expired"),
    "not valid yet": ({"dates": ("20900101", "20910101")}, "bad certificate|certificate unknown|certificate expired"),
    "for servers only": ({"extensions": "extendedKeyUsage = serverAuth\n"}, "unsupported certificate"),
    "a small RSA key": ({"key": "rsa:1024"}, "unsupported certificate|handshake failure|bad certificate|unknown ca|illegal parameter"),
    "weakly signed": ({"digest": "sha1"}, "unsupported certificate|handshake failure|bad certificate|unknown ca"),
}


def handshake(port: int, context: ssl.SSLContext) -> str:
    """What a ping with this certificate ends in: "" when it is answered."""
    try:
        with service.greet(port, context) as stream:
            service.ask(stream, service.PING_1)
        return ""
    except ssl.SSLError as error:
        return str(error).lower().replace("_", " ")
    except (OSError, EOFError) as error:
        return f"closed: {error!r}"


@pytest.mark.parametrize("what", BAD_CERTIFICATES)
def test_bad_certificates_of_devices(server, tls, tmp_path, what):
    running = server(workers=1)
    how, alerts = BAD_CERTIFICATES[what]
    certificate, key = service.make_certificate(tmp_path / "bad", tls, **how)
    context = service.trust(tls)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # we may be as careless as we like, the server not
    context.load_cert_chain(certificate, key)
    told = handshake(running.port, context)
    assert any(alert in told for alert in alerts.split("|")), told
    assert handshake(running.port, service.trust(tls)) == "", "others are served"


@pytest.mark.parametrize("authority", ["another CA", "itself"])
def test_certificates_by_somebody_else(server, tls, tmp_path, authority):
    running = server(workers=1)
    other = tmp_path / "other"
    lx.run([lx.BUILD / "server/ctl/lianxiaoctl", "ca", "init", other])
    certificate, key = (other / "ca.pem", other / "ca.key") if authority == "itself" else \
        service.make_certificate(tmp_path / "bad", other, extensions="extendedKeyUsage = clientAuth\n")
    context = service.trust(tls)
    context.load_cert_chain(certificate, key)
    told = handshake(running.port, context)
    assert "unknown ca" in told or "bad certificate" in told or "unsupported certificate" in told, told
    assert running.process.poll() is None
    running.process.send_signal(signal.SIGHUP)
    assert handshake(running.port, service.trust(tls)) == ""
