"""What a deployment under load was doing when its clients were not answered: kept beside their histories, so that a finding
that does not come again can be explained all the same.

    with load.Fleet(...) as fleet, autopsy.kept(city, folder, fleet): ...
"""
import os
import signal
from contextlib import contextmanager
from pathlib import Path

import lx

LOG_LINES = 2000
ACTIVITY = """select now() - xact_start as transaction, now() - query_start as query_since, pid, application_name, state,
    wait_event_type, wait_event, pg_blocking_pids(pid) as blocked_by, left(query, 200) as query
    from pg_stat_activity where backend_type = 'client backend' order by 1 desc nulls last"""
LOCKS = """select l.pid, a.application_name, l.locktype, l.mode, l.granted, l.relation::regclass, l.transactionid, l.waitstart
    from pg_locks l left join pg_stat_activity a using (pid) where l.pid <> pg_backend_pid() order by l.granted, l.pid"""


@contextmanager
def kept(city: lx.Deployment, folder: Path, fleet):
    """An AssertionError from inside takes the autopsy's place along."""
    try:
        yield
    except AssertionError as fault:
        raise AssertionError(f"{fault}\nautopsy: {write(city, folder / 'autopsy', fleet)}") from fault


def write(city: lx.Deployment, folder: Path, fleet) -> Path:
    """Each part for itself: what cannot be had says why."""
    folder.mkdir()
    master = city.server.process
    pids = [master.pid, *city.server.children()] if master is not None else []
    parts = {
        "machine": lambda: "".join(read(Path("/proc") / name) for name in ("loadavg", "pressure/cpu", "pressure/io", "meminfo")),
        "processes": lambda: "\n".join(map(process, [*pids, *(p.pid for p in fleet.processes)])),
        "sockets": lambda: sockets(city.server.port),
        "activity": lambda: table(city, ACTIVITY),
        "locks": lambda: table(city, LOCKS),
        "status": lambda: city.ctl("status", check=False).stdout,
        "server.log": lambda: tail(city.server.log),
        "postgres.log": lambda: "".join(tail(log) for log in sorted(city.cluster.folder.glob("*log*"))),
        "clients": lambda: stacks(fleet),
    }
    for name, part in parts.items():
        try:
            text = part()
        except Exception as fault:  # noqa: BLE001  (the others are wanted all the more)
            text = f"not to be had: {fault!r}\n"
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def table(city: lx.Deployment, text: str) -> str:
    return lx.run([lx.ROOT / "deploy/cluster", "psql", city.cluster.folder, "-d", "lianxiao", "-c", text], seconds=30).stdout


def read(path: Path) -> str:
    try:
        return f"{path}: {path.read_text(encoding='utf-8', errors='replace').strip()}\n"
    except OSError as fault:
        return f"{path}: {fault.strerror}\n"


def process(pid: int) -> str:
    """Where it is in the kernel, what it has used, and its descriptors."""
    proc = Path("/proc") / str(pid)
    files = sorted(proc.glob("fd/*"), key=lambda fd: int(fd.name))
    lines = [f"{fd.name} -> {os.readlink(fd)}" for fd in files if fd.is_symlink()]
    return "".join(read(proc / name) for name in ("cmdline", "status", "stat", "wchan", "syscall", "stack")) + "\n".join(lines) + "\n"


def sockets(port: int) -> str:
    """Of the server's port: state, and bytes that wait in either direction (of a listening socket: connections)."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
    here = f":{port:04X}"
    return "\n".join([lines[0], *(line for line in lines if here in line)]) + "\n"


def tail(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([f"{path}:", *lines[-LOG_LINES:], ""])


def stacks(fleet) -> str:
    """Where every client's thread is (load.Fleet writes it at SIGUSR1)."""
    alive = [one.pid for one in fleet.processes if one.is_alive()]
    for pid in alive:
        os.kill(pid, signal.SIGUSR1)
    files = [fleet.folder / f"{pid}.stacks" for pid in alive]
    lx.wait_until(lambda: all("Current thread" in file.read_text(encoding="utf-8") for file in files), 30, "stacks of the clients")
    return "".join(map(tail, files))
