"""The wire against a real lianxiaod, without a database: every row of the malformed-input table that concerns
frames, TLS and deadlines, and what the master promises (restart, reload, drain)."""
import os
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest

import lx

HEADER = struct.Struct(">IHBBI")
PING, HELLO, LOGIN, PUSH = 1, 2, 5, 16
REQUEST, REPLY, ERROR, EVENT = 1, 2, 3, 4
HELLO_1 = bytes([0x08, 1])  # protocol: 1


def reasons() -> dict:
    """id -> number, of proto/reasons.csv"""
    lines = (lx.ROOT / "proto/reasons.csv").read_text(encoding="utf-8").splitlines()
    return {line.split(",")[1]: int(line.split(",")[0]) for line in lines if line[:1].isdigit()}


REASON = reasons()


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    lx.run([lx.BUILD / "server/ctl/lianxiaoctl", "ca", "init", folder])
    return folder


def start(folder, tls, **settings) -> lx.Server:
    server = lx.Server(folder, "host=/nonexistent dbname=none", tls,
                       **{"dsn_assessor": "", "workers": 1, **settings})
    server.start()
    return server


@pytest.fixture(scope="module")
def shared(tls, tmp_path_factory):
    server = start(tmp_path_factory.mktemp("server"), tls)
    yield server
    server.stop()


@pytest.fixture
def server(tls, tmp_path):
    """start(**settings) of this test alone."""
    servers = []

    def begin(**settings) -> lx.Server:
        servers.append(start(tmp_path, tls, **settings))
        return servers[-1]
    yield begin
    for one in servers:
        one.stop()


def context(tls, alpn=("lianxiao/1",)) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(tls / "ca.pem")
    if alpn:
        made.set_alpn_protocols(list(alpn))
    return made


def frame(method: int, payload: bytes = b"", request: int = 1, kind: int = REQUEST, flags: int = 0) -> bytes:
    return HEADER.pack(len(payload), method, kind, flags, request) + payload


class Peer:
    def __init__(self, server: lx.Server, tls, hello: bool = True):
        raw = socket.create_connection(("127.0.0.1", server.port), 10)
        self.socket = context(tls).wrap_socket(raw, server_hostname="localhost")
        if hello:
            self.send(frame(HELLO, HELLO_1, 0))
            assert self.read()[0] == REPLY

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_bytes(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def read(self) -> tuple:
        """(kind, request id, payload)"""
        length, _, kind, _, request = HEADER.unpack(self.read_bytes(HEADER.size))
        return kind, request, self.read_bytes(length)

    def expect_error(self, reason: str, request: int = 1) -> bytes:
        kind, answered, payload = self.read()
        assert (kind, answered) == (ERROR, request)
        number = REASON[reason]
        varint = bytes([number]) if number < 128 else bytes([number & 0x7F | 0x80, number >> 7])
        assert b"\x08" + varint in payload, payload  # Reason.reason
        return payload

    def expect_closed(self) -> None:
        with pytest.raises((EOFError, ConnectionResetError, ssl.SSLError)):
            self.read()

    def expect_alive(self, request: int = 99) -> None:
        self.send(frame(PING, b"\x0a\x02ok", request))
        assert self.read() == (REPLY, request, b"\x0a\x02ok")


@pytest.fixture
def peer(shared, tls):
    with Peer(shared, tls) as made:
        yield made


# ---- frames ----

def test_empty_payload(peer):
    peer.send(frame(PING))
    assert peer.read() == (REPLY, 1, b"")


def test_one_byte_a_segment(peer):
    for byte in frame(PING, b"\x0a\x03abc", 7):
        peer.send(bytes([byte]))
    assert peer.read() == (REPLY, 7, b"\x0a\x03abc")


def test_two_frames_in_one_segment(peer):
    peer.send(frame(PING, b"\x0a\x01a", 1) + frame(PING, b"\x0a\x01b", 2))
    assert sorted([peer.read(), peer.read()]) == [(REPLY, 1, b"\x0a\x01a"), (REPLY, 2, b"\x0a\x01b")]


@pytest.mark.parametrize("length", [0xFFFFFFFF, 4097])
def test_length_over_the_cap(peer, length):
    peer.send(HEADER.pack(length, PING, REQUEST, 0, 5))
    peer.expect_error("payload_too_large", 5)
    peer.expect_closed()


def test_length_at_the_cap(peer):
    peer.send(frame(PING, b"\x12\xfd\x1f" + bytes(4093)))  # an unknown field fills it
    assert peer.read()[0] == REPLY


def test_truncated_then_closed(shared, tls):
    with Peer(shared, tls) as cut:
        cut.send(frame(PING, b"\x0a\x03abc")[:14])
    with Peer(shared, tls) as fine:
        fine.expect_alive()


def test_unknown_method(peer):
    for method in (0, 19, 999, 65535):  # 19 is an event
        peer.send(frame(method, b"", method))
        peer.expect_error("method_unknown", method)
    peer.expect_alive()


def test_unknown_fields(peer):
    nested = b""
    for _ in range(200):  # nested in an unknown field: not descended into
        nested = b"\x1a" + varint(len(nested)) + nested
    peer.send(frame(PING, b"\xf8\x07\x01" + nested + b"\x0a\x01x"))
    assert peer.read() == (REPLY, 1, b"\x0a\x01x")


def varint(number: int) -> bytes:
    out = b""
    while number >= 128:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


@pytest.mark.parametrize("kind", [0, REPLY, ERROR, EVENT, 255])
def test_kind(peer, kind):
    peer.send(frame(PING, b"", 3, kind))
    peer.expect_error("kind_not_request", 3)
    peer.expect_closed()


def test_flags(peer):
    peer.send(frame(PING, b"", 3, flags=1))
    peer.expect_error("flags_not_zero", 3)
    peer.expect_alive()


def test_vectors_are_refused(peer):
    """What proto/vectors/refused.txt says of PingRequest and LoginRequest, over the wire."""
    methods = {"PingRequest": PING, "LoginRequest": LOGIN}
    count = 0
    for line in (lx.ROOT / "proto/vectors/refused.txt").read_text(encoding="ascii").splitlines():
        name, message, payload, reason, field = line.split()[:5] if line[0] != "#" else [""] * 5
        if message not in methods:
            continue
        count += 1
        peer.send(frame(methods[message], bytes.fromhex(payload), count))
        answer = peer.expect_error(reason, count)
        assert field == "-" or field.encode() in answer, name
    assert count >= 5


def test_more_in_flight_than_allowed(peer):
    """The server stops reading and drops nothing."""
    peer.send(b"".join(frame(PING, b"\x0a\x01" + bytes([i]), i) for i in range(200)))
    assert [peer.read() for _ in range(200)] == [(REPLY, i, b"\x0a\x01" + bytes([i])) for i in range(200)]


# ---- order ----

def test_hello_first(shared, tls):
    with Peer(shared, tls, hello=False) as early:
        early.send(frame(PING))
        early.expect_error("hello_first")
        early.send(frame(LOGIN, b"", 2))
        early.expect_error("hello_first", 2)
        early.send(frame(HELLO, HELLO_1, 3))
        assert early.read()[0] == REPLY


def test_hello_twice(peer):
    peer.send(frame(HELLO, HELLO_1))
    peer.expect_error("hello_twice")
    peer.expect_alive()


def test_hello_of_another_version(shared, tls):
    for payload in (b"", b"\x08\x00"):
        with Peer(shared, tls, hello=False) as old:
            old.send(frame(HELLO, payload))
            old.expect_error("protocol_unknown")
            old.expect_closed()


def test_before_login(peer):
    peer.send(frame(LOGIN))
    peer.expect_error("device_needed")
    peer.send(frame(PUSH))
    peer.expect_error("device_needed")
    peer.expect_alive()


def test_pipelined_behind_hello(shared, tls):
    with Peer(shared, tls, hello=False) as fast:
        fast.send(frame(HELLO, HELLO_1, 1) + frame(PING, b"\x0a\x01x", 2))
        assert fast.read()[:2] == (REPLY, 1)
        assert fast.read() == (REPLY, 2, b"\x0a\x01x")


# ---- TLS ----

def closed(raw: socket.socket) -> bool:
    try:
        while raw.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def test_plain_text(shared):
    with socket.create_connection(("127.0.0.1", shared.port), 10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert closed(raw)


def test_tls_1_2(shared, tls):
    old = context(tls)
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", shared.port), 10) as raw, pytest.raises(ssl.SSLError, match="(?i)version"):
        old.wrap_socket(raw, server_hostname="localhost")


@pytest.mark.parametrize("alpn", [(), ("h2",)])
def test_alpn(shared, tls, alpn):
    with socket.create_connection(("127.0.0.1", shared.port), 10) as raw:
        with pytest.raises((ssl.SSLError, ConnectionResetError, EOFError)):
            wrapped = context(tls, alpn).wrap_socket(raw, server_hostname="localhost")
            wrapped.sendall(frame(HELLO, HELLO_1))
            if not wrapped.recv(1):
                raise EOFError


def test_foreign_device(shared, tls, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=me",
                    "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    foreign = context(tls)
    foreign.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with socket.create_connection(("127.0.0.1", shared.port), 10) as raw:
        with pytest.raises((ssl.SSLError, ConnectionResetError, EOFError)):
            wrapped = foreign.wrap_socket(raw, server_hostname="localhost")  # TLS 1.3: the alert comes with the first read
            wrapped.sendall(frame(HELLO, HELLO_1))
            if not wrapped.recv(1):
                raise EOFError


def test_early_data_is_not_taken(shared, tls):
    """No ticket is given, so there is nothing to send early data with, nor to resume."""
    with Peer(shared, tls) as made:
        made.expect_alive()
        assert made.socket.session is None or not made.socket.session.has_ticket
        assert not made.socket.session_reused


def test_key_update_flood(shared, tls):
    """s_client asks for a new key with each line "K"; others do not notice."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{shared.port}", "-alpn", "lianxiao/1", "-CAfile", tls / "ca.pem"]
    with Peer(shared, tls) as other, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                      stderr=subprocess.DEVNULL) as flood:
        try:
            for _ in range(500):
                flood.stdin.write(b"K\n")
                flood.stdin.flush()
            other.expect_alive()
        finally:
            flood.kill()
        other.expect_alive()


# ---- deadlines: absolute, a byte now and then does not help ----

def seconds_until_closed(raw, drip: bytes = b"") -> float:
    begin = time.monotonic()
    raw.settimeout(0.1)
    left = drip
    while time.monotonic() - begin < 15:
        try:
            if left:
                raw.sendall(left[:1])
                left = left[1:]
            if not raw.recv(4096):
                break
        except (TimeoutError, ssl.SSLWantReadError):
            continue
        except OSError:
            break
    return time.monotonic() - begin


def test_handshake_deadline(server):
    port = server(handshake_timeout_ms=800).port
    with socket.create_connection(("127.0.0.1", port)) as silent:
        assert 0.7 < seconds_until_closed(silent) < 3
    with socket.create_connection(("127.0.0.1", port)) as slow:
        assert 0.7 < seconds_until_closed(slow, b"\x16\x03\x01\x02\x00" + bytes(200)) < 3


def test_frame_deadline(server, tls):
    with Peer(server(frame_timeout_ms=800), tls) as slow:
        assert 0.7 < seconds_until_closed(slow.socket, frame(PING, bytes(500))) < 3


def test_login_deadline(server, tls):
    with Peer(server(hello_timeout_ms=800), tls) as idle:
        assert 0.7 < seconds_until_closed(idle.socket) < 3


def test_peer_that_never_reads(server, tls):
    running = server(write_timeout_ms=3000, max_unsent_bytes=65536)
    stalls = 0
    with Peer(running, tls) as deaf, Peer(running, tls) as other:
        deaf.socket.settimeout(0.2)
        ping = frame(PING, b"\x0a\x80\x08" + bytes(1024)) * 50
        deadline = time.monotonic() + 20
        with pytest.raises(OSError):  # first the server stops reading, then it closes
            while time.monotonic() < deadline:
                try:
                    deaf.socket.sendall(ping)
                except TimeoutError:
                    stalls += 1
        other.expect_alive()
        assert stalls >= 5


# ---- limits ----

def test_too_many_connections(server, tls):
    running = server(max_connections=3)
    peers = [Peer(running, tls) for _ in range(3)]
    with Peer(running, tls, hello=False) as late:
        late.send(frame(HELLO, HELLO_1))
        late.expect_error("too_many_connections")
        late.expect_closed()
    for one in peers:
        one.expect_alive()
        one.socket.close()
    lx.wait_until(lambda: can_connect(running, tls), 10, "room again")


def can_connect(server, tls) -> bool:
    try:
        with Peer(server, tls) as made:
            made.expect_alive()
        return True
    except (AssertionError, OSError, EOFError):
        return False


def test_no_more_descriptors(server, tls):
    running = server()
    with Peer(running, tls) as first:
        worker, = workers(running, 1)
        used = len(os.listdir(f"/proc/{worker}/fd"))
        subprocess.run(["prlimit", f"--pid={worker}", f"--nofile={used + 4}:{used + 4}"], check=True)
        crowd = [socket.create_connection(("127.0.0.1", running.port), 10) for _ in range(30)]
        first.expect_alive()
        before = cpu_ticks(worker)
        time.sleep(0.5)  # a measuring interval: the loop must not spin meanwhile
        assert cpu_ticks(worker) - before < 20
        for one in crowd:
            one.close()
        lx.wait_until(lambda: can_connect(running, tls), 10, "descriptors again")


def cpu_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


# ---- processes ----

def workers(server: lx.Server, count: int) -> list:
    """Their process ids, when they are all there (a moment after the socket listens)."""
    lx.wait_until(lambda: len(server.children("worker")) == count, 10, f"{count} workers")
    return server.children("worker")


def test_killed_worker(server, tls):
    """Connections that wait at its socket are served by its replacement."""
    running = server()
    worker, = workers(running, 1)
    os.kill(worker, signal.SIGSTOP)
    waiting = [socket.create_connection(("127.0.0.1", running.port), 30) for _ in range(20)]
    os.kill(worker, signal.SIGKILL)
    for raw in waiting:
        with context(tls).wrap_socket(raw, server_hostname="localhost") as wrapped:
            wrapped.sendall(frame(HELLO, HELLO_1))
            assert len(wrapped.recv(12)) > 0
    assert workers(running, 1) != [worker]


def test_killed_master_takes_its_workers(server):
    running = server()
    workers(running, 1)
    children = running.children()
    running.process.kill()
    running.process.wait()
    lx.wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 15, "workers end")


def test_two_workers(server, tls):
    running = server(workers=2)
    workers(running, 2)
    for _ in range(10):
        assert can_connect(running, tls)


def fingerprint(server, tls) -> bytes:
    with Peer(server, tls) as made:
        return made.socket.getpeercert(binary_form=True)


def test_reload(server, tls, tmp_path):
    """New certificates come in, connections stay; broken files change nothing."""
    folder = tmp_path / "swap"
    folder.mkdir()
    for name in ("server.pem", "server.key"):
        (folder / name).write_bytes((tls / name).read_bytes())
    running = server(cert=folder / "server.pem", key=folder / "server.key")
    old = fingerprint(running, tls)
    with Peer(running, tls) as connected:
        (folder / "server.pem").write_text("no certificate", encoding="ascii")
        running.process.send_signal(signal.SIGHUP)
        lx.wait_until(lambda: "reload: refused" in running.tail(), 10, "the refusal in the log")
        assert fingerprint(running, tls) == old
        swap_certificate(tls, folder)
        running.process.send_signal(signal.SIGHUP)
        lx.wait_until(lambda: "are reloaded" in running.tail(), 10, "the reload in the log")
        assert fingerprint(running, tls) != old
        connected.expect_alive()


def swap_certificate(tls, folder) -> None:
    """Another certificate for localhost by the same CA."""
    (folder / "ext").write_text("subjectAltName = DNS:localhost\n", encoding="ascii")
    commands = (
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "new.key"],
        ["openssl", "req", "-new", "-key", "new.key", "-subj", "/CN=new", "-out", "new.csr"],
        ["openssl", "x509", "-req", "-in", "new.csr", "-CA", tls / "ca.pem", "-CAkey", tls / "ca.key", "-CAcreateserial",
         "-CAserial", "serial", "-days", "10", "-extfile", "ext", "-out", "new.pem"])
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
    (folder / "new.key").rename(folder / "server.key")
    (folder / "new.pem").rename(folder / "server.pem")


def test_drain(server, tls):
    running = server()
    with Peer(running, tls) as connected:
        connected.expect_alive()
        running.process.send_signal(signal.SIGTERM)
        connected.expect_closed()
    assert running.process.wait(15) == 0


def test_configuration(tls):
    program = lx.BUILD / "server/lianxiaod"
    shown = lx.run([program, "--show-config", "--set", "port=1234"]).stdout
    assert "port = 1234" in shown and "frame_timeout_ms = 30000" in shown
    for wrong in ("port=x", "port=70000", "nothing=1", "checks=none", "port"):
        result = lx.run([program, "--show-config", "--set", wrong], check=False)
        assert result.returncode == 2 and wrong.split("=")[0] in result.stderr


def test_the_rest_of_a_line_too_long_is_no_setting(tmp_path):
    """A line is read whole or not at all (found while writing the fuzz target of the configuration)."""
    file = tmp_path / "lianxiaod.conf"
    comment = "#" + "x" * 638  # as much as is read at a time
    for line in (comment + "port = 1", comment + "x" * 1000 + "\nport = 1234"):
        file.write_text(line + "\n", encoding="ascii")
        result = lx.run([lx.BUILD / "server/lianxiaod", "--show-config", "--config", file], check=False)
        assert result.returncode == 2 and "longer than" in result.stderr and "line 1" in result.stderr, result.stdout
