"""Load without a database for tests of the service itself: peers that ping all the time, peers that stall, certificates."""
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
from pathlib import Path

import lx

HEADER = struct.Struct(">IHBBI")
PING, HELLO = 1, 2
HELLO_1 = HEADER.pack(2, HELLO, 1, 0, 0) + bytes([8, 1])
PING_1 = HEADER.pack(4, PING, 1, 0, 1) + b"\x0a\x02ok"


def start_server(folder: Path, tls: Path, **settings) -> lx.Server:
    """lianxiaod that never reaches a database: everything before a login works."""
    server = lx.Server(folder, "host=/nonexistent dbname=none", tls, **{"dsn_assessor": "", **settings})
    server.start()
    return server


def trust(tls: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(tls / "ca.pem")
    made.set_alpn_protocols(["lianxiao/1"])
    return made


def read_exactly(stream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = stream.recv(size - len(data))
        if not part:
            raise EOFError("closed")
        data += part
    return data


def ask(stream, frame: bytes) -> bytes:
    """The answer's payload."""
    stream.sendall(frame)
    length = HEADER.unpack(read_exactly(stream, HEADER.size))[0]
    return read_exactly(stream, length)


def greet(port: int, context: ssl.SSLContext):
    """A connection that has said Hello."""
    raw = socket.create_connection(("127.0.0.1", port), 30)
    stream = context.wrap_socket(raw, server_hostname="localhost")
    ask(stream, HELLO_1)
    return stream


class Pinger(threading.Thread):
    """An honest client: pings at a fixed rate and notes how long each answer took, from when it was due."""

    def __init__(self, port: int, context: ssl.SSLContext, every_s: float):
        super().__init__(daemon=True)
        self.stream = greet(port, context)
        self.every_s = every_s
        self.taken: list[float] = []
        self.fault = None
        self.stopping = threading.Event()

    def run(self) -> None:
        due = time.monotonic()
        try:
            while not self.stopping.wait(max(0.0, due - time.monotonic())):
                ask(self.stream, PING_1)
                self.taken.append(time.monotonic() - due)
                due += self.every_s
        except (OSError, EOFError) as fault:
            self.fault = fault

    def finish(self) -> None:
        self.join(60)
        self.stream.close()


class Crowd:
    """Threads of one kind, for as long as the block lasts. Each has an event `stopping`, a method finish(), and a `fault` when it met one: a finding."""

    def __init__(self, everybody: list):
        self.all = everybody

    def __enter__(self):
        for one in self.all:
            one.start()
        return self

    def __exit__(self, *_):
        for one in self.all:
            one.stopping.set()
        for one in self.all:
            one.finish()

    def check(self) -> None:
        faults = [one.fault for one in self.all if one.fault is not None]
        assert not faults, f"{len(faults)} of {len(self.all)} were not served: {faults[0]!r}"


class Pingers(Crowd):
    """A connection that is lost is a finding."""

    def __init__(self, count: int, port: int, context: ssl.SSLContext, every_s: float = 0.1):
        super().__init__([Pinger(port, context, every_s) for _ in range(count)])

    def take(self) -> list[float]:
        """What was measured since the last time, sorted."""
        taken = []
        for one in self.all:
            taken += one.taken
            one.taken = []
        return sorted(taken)


def percentile(values: list[float], percent: float) -> float:
    return values[min(len(values) - 1, int(len(values) * percent / 100))]


CA_SETTINGS = """[ca]
default_ca = here
[here]
database = index.txt
serial = number.txt
new_certs_dir = .
policy = names
[names]
commonName = supplied
"""


def make_certificate(folder: Path, ca: Path, extensions: str = "subjectAltName = DNS:localhost\n", key: str = "prime256v1",
                     digest: str = "sha256", dates: tuple = ("", "")) -> tuple[Path, Path]:
    """(certificate, key) by the CA in `ca` (ca.pem, ca.key). `key`: a curve or rsa:BITS; `dates`: YYYYMMDD of both ends."""
    folder.mkdir(exist_ok=True)
    start, end = (f"{day}000000Z" if day else time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + shift))
                  for day, shift in zip(dates, (-3600, 10 * 86400)))
    (folder / "index.txt").write_text("", encoding="ascii")
    (folder / "number.txt").write_text(os.urandom(8).hex(), encoding="ascii")
    (folder / "ca.conf").write_text(CA_SETTINGS, encoding="ascii")
    (folder / "ext").write_text(extensions, encoding="ascii")
    make_key = ["openssl", "genrsa", "-out", "new.key", key[4:]] if key.startswith("rsa:") else \
        ["openssl", "ecparam", "-name", key, "-genkey", "-noout", "-out", "new.key"]
    commands = (
        make_key,
        ["openssl", "req", "-new", "-key", "new.key", "-subj", "/CN=new", "-out", "new.csr"],
        ["openssl", "ca", "-batch", "-notext", "-config", "ca.conf", "-cert", ca / "ca.pem", "-keyfile", ca / "ca.key", "-in", "new.csr",
         "-out", "new.pem", "-startdate", start, "-enddate", end, "-md", digest, "-extfile", "ext"])
    for command in commands:
        done = subprocess.run(command, check=False, capture_output=True, cwd=folder)
        assert done.returncode == 0, done.stderr.decode()
    return folder / "new.pem", folder / "new.key"


def rss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
