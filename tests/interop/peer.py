"""A client of Lianxiao in plain Python: the standard ssl module, protobuf, and the messages of proto/.

Written from proto/ alone (README.md and the .proto files); it shares no code with the C programs. What it had to
ask to be written is answered in proto/README.md.
"""
import hashlib
import importlib
import os
import secrets
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROTO = Path(__file__).resolve().parents[2] / "proto"
HEADER = struct.Struct(">IHBBI")  # payload bytes, method, kind, flags, request id
MESSAGES = ("wire", "audit", "ledger", "account", "statistics", "bundle")


def load_messages(folder: Path) -> dict:
    """Compiles the .proto files with protoc and imports them."""
    subprocess.run(["protoc", f"--proto_path={PROTO}", f"--python_out={folder}",
                    *(f"{PROTO}/{name}.proto" for name in MESSAGES)], check=True)
    sys.path.insert(0, str(folder))
    try:
        return {name: importlib.import_module(f"{name}_pb2") for name in MESSAGES}
    finally:
        sys.path.remove(str(folder))


_generated = tempfile.TemporaryDirectory(prefix="lx-proto-")
_modules = load_messages(Path(_generated.name))
wire, audit, ledger, account, statistics, bundle = (_modules[name] for name in MESSAGES)


def uuid7() -> bytes:
    """A record id: 48 bits of milliseconds, version 7, variant 2, the rest random."""
    value = bytearray(int(time.time() * 1000).to_bytes(6, "big") + secrets.token_bytes(10))
    value[6] = value[6] & 0x0F | 0x70
    value[8] = value[8] & 0x3F | 0x80
    return bytes(value)


def row_digest(record: bytes, version: int) -> int:
    return int.from_bytes(hashlib.sha256(record + version.to_bytes(8, "big")).digest()[:8], "big")


class ServerError(Exception):
    """An ERROR frame: `error` is the lx.Error message."""

    def __init__(self, error):
        super().__init__(f"{wire.Code.Name(error.code)}: {error.reason.text}")
        self.error = error


class Device:
    """A P-256 key and, once enrolled, its certificate; PEM files in a folder of its own."""

    def __init__(self, folder: Path):
        folder.mkdir(mode=0o700, exist_ok=True)
        self.key, self.certificate = folder / "device.key", folder / "device.pem"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key],
                       check=True, capture_output=True)
        os.chmod(self.key, 0o600)

    def request(self) -> bytes:
        """PKCS#10, DER."""
        return subprocess.run(["openssl", "req", "-new", "-key", self.key, "-subj", "/CN=device", "-outform", "DER"],
                              check=True, capture_output=True).stdout

    def install(self, certificate_der: bytes) -> None:
        self.certificate.write_text(ssl.DER_cert_to_PEM_cert(certificate_der), encoding="ascii")


class Connection:
    """One TLS connection; requests are answered in any order, matched by their id."""

    def __init__(self, address: str, ca: Path, device: Device = None, server_name: str = "localhost"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(ca)
        context.set_alpn_protocols(["lianxiao/1"])
        if device is not None and device.certificate.exists():
            context.load_cert_chain(device.certificate, device.key)
        host, port = address.rsplit(":", 1)
        self.socket = context.wrap_socket(socket.create_connection((host, int(port)), 20), server_hostname=server_name)
        assert self.socket.selected_alpn_protocol() == "lianxiao/1"
        self.next_id = 1
        self.events = []

    def close(self) -> None:
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, method: int, payload: bytes, kind: int = 1) -> int:
        request = self.next_id
        self.next_id += 1
        self.socket.sendall(HEADER.pack(len(payload), method, kind, 0, request) + payload)
        return request

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError(f"the server closed the connection after {len(data)} of {size} bytes")
            data += part
        return data

    def read_frame(self) -> tuple[int, int, int, bytes]:
        """(method, kind, request id, payload)"""
        length, method, kind, flags, request = HEADER.unpack(self._read(HEADER.size))
        assert flags == 0
        return method, kind, request, self._read(length)

    def receive(self, request: int) -> tuple[int, bytes]:
        """(method, payload) of the answer to the request; events on the way are kept."""
        while True:
            method, kind, answered, payload = self.read_frame()
            if kind == wire.EVENT:
                self.events.append((method, payload))
                continue
            assert answered == request, f"answer to {answered}, expected {request}"
            if kind == wire.ERROR:
                raise ServerError(wire.Error.FromString(payload))
            assert kind == wire.REPLY
            return method, payload

    def call(self, method: str, request, reply_type, patience_s: float = 10):
        """The reply; an error that names a time to try again is tried again for so long."""
        number = wire.Method.Value(method)
        until = time.monotonic() + patience_s
        while True:
            try:
                answered, payload = self.receive(self.send(number, request.SerializeToString()))
            except ServerError as failure:
                if not failure.error.retry_after_ms or time.monotonic() > until:
                    raise
                time.sleep(failure.error.retry_after_ms / 1000)
                continue
            assert answered == number
            return reply_type.FromString(payload)

    def hello(self, token: bytes = None):
        request = wire.HelloRequest(protocol=1, program="interop 1", client_time_ms=int(time.time() * 1000))
        if token is not None:
            request.session_token = token
        return self.call("HELLO", request, wire.HelloReply)

    def enrol(self, code: str, device: Device):
        reply = self.call("ENROL", account.EnrolRequest(code=code, csr=device.request(), label="interop"),
                          account.EnrolReply)
        device.install(reply.certificate)
        return reply

    def login(self, name: str, password: str):
        return self.call("LOGIN", account.LoginRequest(account=name, password=password), account.LoginReply)

    def scope(self):
        return self.call("SCOPE", account.ScopeRequest(), account.ScopeReply)

    def push(self, stream: bytes, first: int, operations: list):
        group = ledger.PushGroup(stream=stream, first_op_seq=first,
                                 operations=[o.SerializeToString() for o in operations])
        return self.call("PUSH", ledger.PushRequest(groups=[group]), ledger.PushReply).groups[0]

    def pull_all(self, stream: bytes, limit: int = 100):
        """Every row of a stream by record id, and the last reply."""
        rows, cursor = {}, 0
        while True:
            reply = self.call("PULL", ledger.PullRequest(stream=stream, cursor=cursor, limit=limit), ledger.PullReply)
            for row in reply.rows:
                rows[row.id] = row
            cursor = reply.cursor
            if not reply.more:
                return rows, reply
