"""The peers: nginx, a gRPC server in C++, raw libpq; and a PostgreSQL whose fdatasync can be made slow."""
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import lx

from drive import Generator

PROGRAMS = lx.BUILD / "tests/bench"

NGINX = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 40000; }} worker_rlimit_nofile 50000;
http {{ access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
 uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; keepalive_requests 100000000; keepalive_timeout 3600;
 ssl_session_cache off; ssl_session_tickets off; ssl_protocols TLSv1.3;
 ssl_certificate {tls}/server.pem; ssl_certificate_key {tls}/server.key;
 server {{ listen 127.0.0.1:{port} ssl; location / {{ return 200; }} }}
 server {{ listen 127.0.0.1:{port_mutual} ssl; ssl_client_certificate {tls}/ca.pem; ssl_verify_client on; location / {{ return 200; }} }} }}
"""


class Nginx:
    """`return 200` over TLS 1.3 with the server's own certificate, one worker; a second port asks for a client's certificate."""

    def __init__(self, tls: Path):
        self.port, self.port_mutual = lx.free_port(), lx.free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="lx-nginx-"))
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(folder=self.folder, port=self.port, port_mutual=self.port_mutual, tls=tls), encoding="utf-8")
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", str(self.folder), "-c", str(config)], stdin=subprocess.DEVNULL)

    def __enter__(self) -> "Nginx":
        lx.wait_until(lambda: (self.folder / "nginx.pid").exists(), 10, "nginx")
        self.pids = lx.wait_until(lambda: [int(p) for p in lx.run(["ps", "--ppid", self.process.pid, "-o", "pid="],
                                                                  check=False).stdout.split()], 10, "its worker")
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


class Grpc:
    """The gRPC server (peer/grpc_server.cc): api is sync or callback."""

    def __init__(self, tls: Path, dsn: str, connections: int, api: str):
        self.port = lx.free_port()
        self.process = subprocess.Popen([PROGRAMS / "grpc_peer", str(self.port), tls / "server.pem", tls / "server.key",
                                         f"{dsn} user=postgres", str(connections), api], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> "Grpc":
        assert self.process.stdout.readline() == b"ready\n", "the gRPC peer did not start"
        self.pids = [self.process.pid]
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait(30)


def grpc_load() -> Generator:
    return Generator(PROGRAMS / "grpc_load")


class RawLibpq(Generator):
    """One connection that inserts a few rows at a time."""

    def __init__(self, dsn: str):
        self.process = subprocess.Popen([PROGRAMS / "raw_libpq", f"{dsn} user=postgres"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def insert(self, rows: int, times: int) -> dict:
        return self.call("run", rows, times)


class SlowDisk:
    """Starts the cluster again with fdatasync that can be made slower: set(2000) adds 2 ms."""

    def __init__(self, cluster: lx.Cluster):
        self.file = cluster.folder / "sync-delay"
        self.file.write_bytes(struct.pack("=I", 0))
        self.file.chmod(0o644)
        library = cluster.folder / "slow_sync.so"
        shutil.copy(PROGRAMS / "slow_sync.so", library)
        library.chmod(0o755)
        cluster.stop()
        environment = ["env", "-i", "LC_ALL=C.UTF-8", f"LD_PRELOAD={library}", f"LX_SYNC_DELAY={self.file}"]
        start = ["/usr/lib/postgresql/15/bin/pg_ctl", "-D", str(cluster.folder / "data"), "-l", str(cluster.folder / "postgres.log"),
                 "-w", "-t", "120", "start"]
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
        subprocess.run([*user, *environment, *start], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=True)

    def set(self, microseconds: int) -> None:
        with open(self.file, "r+b") as file:
            file.write(struct.pack("=I", microseconds))
