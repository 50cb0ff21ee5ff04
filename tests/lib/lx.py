"""A whole small deployment for tests: private PostgreSQL, CA, lianxiaod, homes of clients.

Everything lives in one temporary folder and ends with it; only processes started here are ended. Waiting is
always for a condition (wait_until), never for a time.
"""
import json
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, Optional, Sequence, TypeVar

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("LX_BUILD", "build-dev")
T = TypeVar("T")


def wait_until(condition: Callable[[], T], seconds: float = 30, what: str = "") -> T:
    """The first true value of `condition`; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def raise_descriptor_limit() -> tuple[int, int]:
    """As many descriptors as this process may have; gives what it had, for resource.setrlimit."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    return before


class Failed(AssertionError):
    """A program that should have succeeded did not."""


def run(command: Sequence, check: bool = True, stdin: str = "", env: Optional[dict] = None,
        seconds: float = 120) -> subprocess.CompletedProcess:
    words = [str(word) for word in command]
    result = subprocess.run(words, input=stdin, text=True, capture_output=True, timeout=seconds,
                            env={**os.environ, **(env or {})}, cwd=ROOT)
    if check and result.returncode != 0:
        raise Failed(f"{' '.join(words)}\nexit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result


class Cluster:
    """A PostgreSQL cluster of its own (deploy/cluster)."""

    def __init__(self, folder: Path, durable: bool = False, archive: Optional[Path] = None):
        self.folder = folder
        self.durable = durable  # with fsync, as in production
        self.archive = archive  # where finished WAL files go
        self.dsn = ""

    def start(self) -> None:
        mode = [] if self.durable else ["--test"]
        mode += ["--archive", self.archive] if self.archive else []
        self.dsn = run([ROOT / "deploy/cluster", "start", self.folder, *mode]).stdout.strip()

    def stop(self) -> None:
        run([ROOT / "deploy/cluster", "stop", self.folder], check=False)

    def postmaster(self) -> int:
        return int((self.folder / "data/postmaster.pid").read_text(encoding="ascii").split()[0])

    def amcheck(self) -> None:
        """Every heap and index is sound."""
        run(["/usr/lib/postgresql/15/bin/pg_amcheck", "--host", self.folder / "socket", "--username", "postgres",
             "--install-missing", "--heapallindexed", "lianxiao"])

    def sql(self, text: str) -> list[list[str]]:
        """Rows of a query as the superuser, all values as text."""
        out = run([ROOT / "deploy/cluster", "psql", self.folder, "-tA", "-F", "\t", "-c",
                   f"set search_path = lx; {text}"]).stdout
        return [line.split("\t") for line in out.splitlines() if line and line != "SET"]

    def is_assessed(self) -> bool:
        """The assessor has read every stream, its own standings included, and nobody is left on its list."""
        return self.sql("select exists (select from todo) or exists (select from head h left join stream_cursor c using (district, stream) "
                        "where h.head > coalesce(c.seq, 0) and h.district > 0)") == [["f"]]


def listening_sockets(count: int) -> list[socket.socket]:
    """Of one port, as whoever starts servers would keep them (systemd's socket units)."""
    sockets: list[socket.socket] = []
    for _ in range(count):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(("127.0.0.1", sockets[0].getsockname()[1] if sockets else 0))
        one.listen(1024)
        sockets.append(one)
    return sockets


class Server:
    """One lianxiaod. `settings` are keys of its configuration."""

    def __init__(self, folder: Path, dsn: str, tls: Path, **settings):
        self.folder = folder
        self.port = free_port()
        self.log = folder / "lianxiaod.log"
        self.process: Optional[subprocess.Popen] = None
        self.program = BUILD / "server/lianxiaod"
        self.environment: dict = {}
        self.sockets: list[socket.socket] = []
        self.settings = {
            "listen": "127.0.0.1", "port": self.port,
            "dsn_api": f"{dsn} user=lianxiao_api", "dsn_assessor": f"{dsn} user=lianxiao_assessor",
            "cert": tls / "server.pem", "key": tls / "server.key",
            "ca_cert": tls / "ca.pem", "ca_key": tls / "ca.key", "audit_key": tls / "audit.key",
            "bundle_cert": tls / "bundle.pem", "bundle_key": tls / "bundle.key", **settings,
        }

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def hand_over(self, sockets: list[socket.socket]) -> None:
        """From now on it is started with these listening sockets."""
        self.sockets = sockets
        self.port = self.settings["port"] = sockets[0].getsockname()[1]

    def launch(self) -> None:
        """Starts it without waiting until it listens."""
        config = self.folder / "lianxiaod.conf"
        config.write_text("".join(f"{k} = {v}\n" for k, v in self.settings.items()), encoding="utf-8")
        command = [str(self.program), "--config", str(config)]
        fds = [one.fileno() for one in self.sockets]
        if fds:  # from descriptor 3 on; moved out of the way first, since they may lie there in another order
            moves = " ".join([f"{50 + i}<&{fd}" for i, fd in enumerate(fds)] + [f"{3 + i}<&{50 + i}" for i in range(len(fds))])
            command = ["/bin/bash", "-c", f'exec {moves}; LISTEN_PID=$$ LISTEN_FDS={len(fds)} exec "$0" "$@"', *command]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, pass_fds=fds,
                                            env={**os.environ, **self.environment})

    def start(self) -> None:
        self.launch()
        wait_until(self._answers, 60, f"lianxiaod listens; see {self.log}:\n{self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:] if self.log.exists() else ""

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise Failed(f"lianxiaod ended with {self.process.returncode}:\n{self.tail()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"lianxiaod did not stop within 30 s:\n{self.tail()}") from None
        finally:
            self.process = None
        self.assert_sane()

    def assert_sane(self) -> None:
        """Nothing that a sanitizer found, leaks at the end included, is in the log."""
        log = self.log.read_text(encoding="utf-8", errors="replace")
        for word in ("Sanitizer", "runtime error:"):
            if word in log:
                at = log.index(word)
                raise Failed(f"lianxiaod: {log[max(0, at - 200):at + 3000]}")

    def children(self, role: str = "") -> list[int]:
        """Process ids of the master's children, those whose name or command line has `role` in it."""
        out = run(["ps", "--ppid", self.process.pid, "-o", "pid=,comm=,args="], check=False).stdout
        return [int(line.split()[0]) for line in out.splitlines() if role in line]


class Home:
    """One client: a device with its home folder, used through `lianxiao`."""

    def __init__(self, folder: Path, deployment: "Deployment"):
        self.folder = folder
        self.deployment = deployment

    def run(self, *words, check: bool = True, stdin: str = "", lang: str = "C.UTF-8") -> subprocess.CompletedProcess:
        return run([BUILD / "client/cli/lianxiao", *words, "--home", self.folder], check=check, stdin=stdin,
                   env={"LC_ALL": lang, "LANGUAGE": ""})

    def json(self, *words, **options):
        return json.loads(self.run(*words, "--json", **options).stdout)

    def enrol(self, unit: str) -> "Home":
        self.run("enroll", "--server", self.deployment.server.address, "--ca", self.deployment.tls / "ca.pem",
                 "--code", self.deployment.code(unit))
        return self

    def login(self, account: str, password: str) -> "Home":
        self.run("login", account, stdin=password + "\n")
        return self


class Deployment:
    """Cluster, certificates and server in one temporary folder; a context manager."""

    def __init__(self, durable: bool = False, archive: bool = False, **settings):
        self.folder = Path(tempfile.mkdtemp(prefix="lx-"))
        os.chmod(self.folder, 0o755)  # PostgreSQL may be another user
        self.tls = self.folder / "tls"
        self.journal = self.folder / "security.journal"
        self.cluster = Cluster(self.folder / "pg", durable, self.folder / "archive" if archive else None)
        self.settings = {"security_journal": self.journal, **settings}
        self.server: Optional[Server] = None
        self.homes = 0

    def __enter__(self) -> "Deployment":
        try:
            self.cluster.start()
            self.ctl("ca", "init", self.tls)
            self.ctl("migrate")
            self.server = Server(self.folder, self.cluster.dsn, self.tls, **self.settings)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        try:
            if self.server is not None:
                self.server.stop()
        finally:
            self.cluster.stop()
            if os.environ.get("LX_KEEP"):
                print(f"kept: {self.folder}")
            else:
                shutil.rmtree(self.folder, ignore_errors=True)

    def ctl(self, *words, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess:
        return run([BUILD / "server/ctl/lianxiaoctl", *words], check=check, stdin=stdin,
                   env={"LIANXIAO_DSN": self.cluster.dsn, "LIANXIAO_JOURNAL": str(self.journal)})

    def code(self, unit: str) -> str:
        return self.ctl("code", "issue", unit).stdout.strip()

    def user(self, account: str, role: str, unit: str, password: str) -> None:
        """An account whose password is its own already."""
        file = self.folder / "password"
        file.write_text(password + "\n", encoding="utf-8")
        self.ctl("user", "add", account, "--role", role, "--unit", unit, "--password-file", file)
        self.cluster.sql(f"update account set must_change = false where account = '{account}'")

    def home(self) -> Home:
        self.homes += 1
        return Home(self.folder / f"home-{self.homes}", self)


def own_name() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
