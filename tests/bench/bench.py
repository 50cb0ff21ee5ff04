"""Starting points, measured on a release build: push beside raw inserts, ping beside nginx, memory of idle connections.

The cluster runs without fsync. Only ratios of one run mean anything: the two sides of a ratio take turns, and medians of the rounds are printed.
Usage: tests/bench/run [--rounds N] [--seconds S] [--idle N] [push] [ping] [idle]
"""
import argparse
import os
import resource
import selectors
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
sys.path.insert(0, str(HERE.parent / "interop"))

import lx  # noqa: E402  (the paths come first)
import office  # noqa: E402
import peer  # noqa: E402

SCHOOLS = 16
WORKSHOPS = 16  # of each school: 256 pairs of device and stream
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids) -> float:
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def rss_kib(pids) -> int:
    return sum(int(line.split()[1]) for pid in pids
               for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
               if line.startswith("RssAnon"))


def write_units(path: Path) -> None:
    lines = ["code,name,level,parent,district", "340100,市,city,,0", "340103,区,district,340100,1"]
    for school in range(SCHOOLS):
        code = f"34010300{school:02d}"
        lines.append(f"{code},学校{school},school,340103,1")
        lines += [f"{code}-{w:02d},坊{w},workshop,{code},1" for w in range(WORKSHOPS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Stream:
    """One device's operations for one stream, encoded ahead of the measuring."""

    def __init__(self, connection: peer.Connection, unit: bytes, number: int):
        self.connection = connection
        self.unit = unit
        self.next_op = 1
        self.person, roster = office.teacher(unit, number)
        answer = connection.push(unit, 1, roster)
        assert answer.verdict == peer.ledger.GROUP_DONE and not answer.refused, answer
        self.next_op += len(roster)

    def encode(self, records: int) -> bytes:
        group = peer.ledger.PushGroup(stream=self.unit, first_op_seq=self.next_op, operations=[
            office.hours(self.person, 1).SerializeToString() for _ in range(records)])
        self.next_op += records
        payload = peer.ledger.PushRequest(groups=[group]).SerializeToString()
        return peer.HEADER.pack(len(payload), peer.wire.PUSH, 1, 0, 1) + payload


class Exchange:
    """Closed loop over many connections: each sends its next request when the last is answered."""

    def __init__(self, connections):
        self.selector = selectors.DefaultSelector()
        for connection in connections:
            connection.socket.setblocking(False)
            self.selector.register(connection.socket, selectors.EVENT_READ, connection)

    def run(self, requests: dict, on_reply) -> float:
        """requests: connection -> list of frames. Seconds until all are answered."""
        left = {connection: list(reversed(frames)) for connection, frames in requests.items()}
        waiting = sum(len(frames) for frames in left.values())
        buffers = {connection: bytearray() for connection in left}
        started = time.perf_counter()
        for connection, frames in left.items():
            connection.socket.setblocking(True)
            connection.socket.sendall(frames.pop())
            connection.socket.setblocking(False)
        while waiting:
            for key, _ in self.selector.select(30):
                connection = key.data
                if connection not in buffers:
                    continue
                answered = self.receive(connection, buffers[connection], on_reply)
                waiting -= answered
                for _ in range(answered):
                    if left[connection]:
                        connection.socket.setblocking(True)
                        connection.socket.sendall(left[connection].pop())
                        connection.socket.setblocking(False)
        return time.perf_counter() - started

    @staticmethod
    def receive(connection, buffer: bytearray, on_reply) -> int:
        try:
            while True:
                part = connection.socket.recv(65536)
                if not part:
                    raise EOFError("the server closed a connection")
                buffer += part
        except (BlockingIOError, peer.ssl.SSLWantReadError):
            pass
        return on_reply(buffer)


def take_frames(buffer: bytearray) -> int:
    """Removes whole replies from the buffer; the number of them. An error frame ends the run."""
    answered = 0
    while len(buffer) >= peer.HEADER.size:
        length, _, kind, _, _ = peer.HEADER.unpack_from(buffer)
        if len(buffer) < peer.HEADER.size + length:
            break
        payload = bytes(buffer[peer.HEADER.size:peer.HEADER.size + length])
        del buffer[:peer.HEADER.size + length]
        if kind == peer.wire.ERROR:
            raise peer.ServerError(peer.wire.Error.FromString(payload))
        answered += kind == peer.wire.REPLY
    return answered


def take_pushes(buffer: bytearray) -> int:
    return take_frames(buffer)


def take_http(buffer: bytearray) -> int:
    answered = buffer.count(b"\r\n\r\n")
    if answered:
        del buffer[:buffer.rindex(b"\r\n\r\n") + 4]
    return answered


def open_streams(city: lx.Deployment, folder: Path) -> list[list[Stream]]:
    """For each school one device with one connection per workshop."""
    schools = []
    for school in range(SCHOOLS):
        code = f"34010300{school:02d}"
        first = office.login(city, folder, "school_admin", code)
        streams = []
        for workshop in range(WORKSHOPS):
            connection = first if workshop == 0 else office.reconnect(city, first)
            unit = office.unit_id(city, f"{code}-{workshop:02d}")
            streams.append(Stream(connection, unit, school * WORKSHOPS + workshop))
        schools.append(streams)
    return schools


RAW_ROWS = 500     # of one insert
RAW_BATCHES = 200  # of one round
RAW_ARRAYS = {     # columns that differ from row to row, and how a row's value is made
    "stream": ("uuid", "md5((n % 256)::text)::uuid"), "seq": ("int8", "nextval('lx.raw_seq')"), "id": ("uuid", "lx.uuid7()"),
    "subject": ("uuid", "md5((n % 256)::text)::uuid"), "occurred_at": ("timestamptz", "now() - n * interval '1 minute'"),
    "quantity": ("int8", "n"),
}
RAW_SAME = {"district": "1", "programme": "1", "kind": "4", "item": "'online'", "received_at": "now()", "flags": "0",
            "actor": "md5('a')::uuid"}


def raw_table(city) -> None:
    """The product's fact table with its own indexes, empty, under another name; and one for the arrays of its rows."""
    not_null = {row[0] for row in city.cluster.sql(
        "select attname from pg_attribute where attrelid = 'lx.fact'::regclass and attnum > 0 and attnotnull "
        "and not atthasdef and not attisdropped")}
    assert not_null <= RAW_ARRAYS.keys() | RAW_SAME.keys(), f"the bench does not know {not_null - RAW_ARRAYS.keys()}"
    arrays = ", ".join(f"{column} {kind}[]" for column, (kind, _) in RAW_ARRAYS.items())
    city.cluster.sql("create table lx.raw_fact (like lx.fact including all); create sequence lx.raw_seq;"
                     f"create sequence lx.raw_no; create table lx.raw_batch (no int8 primary key, {arrays})")


def raw_rate(city: lx.Deployment) -> float:
    """insert ... select unnest of 500 rows on 2 connections, arrays made before: no function, no counter. Rows a second."""
    made = ", ".join(f"array_agg({value})" for _, value in RAW_ARRAYS.values())
    city.cluster.sql(f"truncate lx.raw_batch; alter sequence lx.raw_no restart; insert into lx.raw_batch "
                     f"select b, {made} from generate_series(1, {RAW_BATCHES}) b, generate_series(1, {RAW_ROWS}) n group by b")
    script = city.folder / "raw.sql"
    script.write_text(
        f"insert into lx.raw_fact ({', '.join([*RAW_ARRAYS, *RAW_SAME])}) select a.*, {', '.join(RAW_SAME.values())} "
        f"from lx.raw_batch b, unnest({', '.join('b.' + column for column in RAW_ARRAYS)}) a "
        "where b.no = (select nextval('lx.raw_no'));\n", encoding="utf-8")
    os.chmod(script, 0o644)
    out = lx.run(["/usr/lib/postgresql/15/bin/pgbench", "-n", "-M", "prepared", "-c", "2", "-j", "1",
                  "-t", str(RAW_BATCHES // 2), "-f", script, "-h", city.cluster.folder / "socket", "-U", "postgres",
                  "lianxiao"]).stdout
    tps = float(next(line for line in out.splitlines() if line.startswith("tps")).split()[2])
    return tps * RAW_ROWS


def bench_push(city: lx.Deployment, options) -> None:
    raw_table(city)
    schools = open_streams(city, city.folder)
    everybody = [stream for streams in schools for stream in streams]
    for clients, records in ((64, 100), (256, 10)):
        streams = everybody[:clients]
        exchange = Exchange([s.connection for s in streams])
        pushes = max(2, int(options.seconds * 20_000 / records / clients))
        rates, raws = [], []
        for _ in range(options.rounds):
            requests = {s.connection: [s.encode(records) for _ in range(pushes)] for s in streams}
            seconds = exchange.run(requests, take_pushes)
            rates.append(clients * pushes * records / seconds)
            raws.append(raw_rate(city))
        rate, raw = statistics.median(rates), statistics.median(raws)
        print(f"push {clients:3d} x {records:3d}: {rate:9,.0f} records/s; raw {raw:9,.0f} rows/s; {rate / raw:.2f} of raw")


NGINX = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
 uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; keepalive_requests 100000000;
 server {{ listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.3; ssl_certificate {tls}/server.pem;
 ssl_certificate_key {tls}/server.key; location / {{ return 200; }} }} }}
"""


def connect_nginx(port: int, ca: Path):
    context = peer.ssl.SSLContext(peer.ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)

    class Plain:
        socket = context.wrap_socket(peer.socket.create_connection(("127.0.0.1", port), 20), server_hostname="localhost")

    return Plain()


def measure(exchange, connections, frame: bytes, each: int, on_reply, pids) -> tuple[float, float]:
    """(requests a second, microseconds of the server's CPU a request)"""
    before = cpu_seconds(pids)
    seconds = exchange.run({c: [frame] * each for c in connections}, on_reply)
    count = each * len(connections)
    return count / seconds, (cpu_seconds(pids) - before) / count * 1e6


def bench_ping(city: lx.Deployment, options) -> None:
    if not os.path.exists("/usr/sbin/nginx"):
        print("ping: nginx is not installed (apt-get install nginx-light); left out")
        return
    port, folder = lx.free_port(), Path(tempfile.mkdtemp(prefix="lx-nginx-"))
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, tls=city.tls), encoding="utf-8")
    nginx = subprocess.Popen(["/usr/sbin/nginx", "-p", str(folder), "-c", str(config)], stdin=subprocess.DEVNULL)
    try:
        lx.wait_until(lambda: (folder / "nginx.pid").exists(), 10, "nginx")
        nginx_workers = lx.wait_until(lambda: [int(p) for p in lx.run(
            ["ps", "--ppid", nginx.pid, "-o", "pid="], check=False).stdout.split()], 10, "its worker")
        ours = [peer.Connection(city.server.address, city.tls / "ca.pem") for _ in range(16)]
        for connection in ours:
            connection.hello()
        theirs = [connect_nginx(port, city.tls / "ca.pem") for _ in range(16)]
        payload = peer.wire.PingRequest(payload=b"x").SerializeToString()
        ping = peer.HEADER.pack(len(payload), peer.wire.PING, 1, 0, 1) + payload
        http = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        sides = {"ping": (Exchange(ours), ours, ping, take_frames, city.server.children("worker")),
                 "nginx": (Exchange(theirs), theirs, http, take_http, nginx_workers)}
        results = {name: [] for name in sides}
        for _ in range(options.rounds):
            for name, (exchange, connections, frame, on_reply, pids) in sides.items():
                results[name].append(measure(exchange, connections, frame, int(options.seconds * 500), on_reply, pids))
        for name, rounds in results.items():
            rate, cpu = (statistics.median(column) for column in zip(*rounds))
            print(f"{name:5s}: {rate:9,.0f} requests/s (this client is the limit), {cpu:5.1f} us of server CPU a request")
    finally:
        nginx.terminate()
        nginx.wait()
        shutil.rmtree(folder, ignore_errors=True)


def bench_idle(city: lx.Deployment, options) -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    count = min(options.idle, limit[1] - 200)
    device_connection = office.login(city, city.folder, "school_admin", "3401030000")
    pids = city.server.children("worker")
    before = rss_kib(pids)
    idle = [office.reconnect(city, device_connection) for _ in range(count)]
    kib = (rss_kib(pids) - before) / count
    started = time.perf_counter()
    device_connection.call("PING", peer.wire.PingRequest(), peer.wire.PingReply)
    print(f"idle : {count} logged-in connections, {kib:.1f} KiB of server memory each (at most 24); "
          f"a ping beside them takes {(time.perf_counter() - started) * 1000:.1f} ms")
    for connection in idle:
        connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=["idle", "ping", "push"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--idle", type=int, default=5000)
    options = parser.parse_args()
    parts = {"push": bench_push, "ping": bench_ping, "idle": bench_idle}
    with lx.Deployment(max_connections=20000) as city:
        write_units(city.folder / "units.csv")
        city.ctl("unit", "import", city.folder / "units.csv")
        city.ctl("programme", "start", lx.ROOT / "deploy/schemes/hefei-2021.yaml")
        city.server.start()
        for name in options.what:
            parts[name](city, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
