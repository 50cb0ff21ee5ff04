"""The simulator (tests/sim) with a database of its own."""
import fcntl
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Optional

import lx


FAST = lx.ROOT / "build-sim-fast"  # optimised, without sanitizers: the preset for volume


def build_fast() -> Path:
    """The folder of the fast build, made or brought up to date; one of two runners in this tree waits for the other."""
    with (lx.ROOT / "CMakePresets.json").open(encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (["cmake", "--preset", "sim-fast"], ["ninja", "-C", FAST, "lx_sim"]):
            lx.run(command, seconds=1800)
    return FAST


class Simulator:
    """A migrated cluster for lx_sim; a context manager."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="lx-"))
        self.folder.chmod(0o755)  # PostgreSQL may be another user
        self.cluster = lx.Cluster(self.folder / "pg")

    def __enter__(self) -> "Simulator":
        try:
            self.cluster.start()
            self.admin("alter system set autovacuum = off;\nselect pg_reload_conf();")  # lx_sim does it between its seeds
            lx.run([lx.BUILD / "server/ctl/lianxiaoctl", "migrate"], env={"LIANXIAO_DSN": self.cluster.dsn})
            self.admin("create database plain template lianxiao")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.cluster.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def admin(self, text: str, database: str = "postgres") -> None:
        lx.run([lx.ROOT / "deploy/cluster", "psql", self.cluster.folder, "-d", database], stdin=text)

    def renew(self, script: str = "") -> None:
        """A database in which no city was built, with a bug planted by a script."""
        self.admin("drop database lianxiao with (force); create database lianxiao template plain;".replace("; ", ";\n"))
        self.admin(script, "lianxiao")

    def command(self, *words, build: Path = lx.BUILD) -> list[str]:
        return [str(word) for word in (build / "tests/sim/lx_sim", "--dsn", f"{self.cluster.dsn} user=postgres", *words)]

    def run(self, *words, build: Path = lx.BUILD, env: Optional[dict] = None, seconds: float = 3600) -> "Outcome":
        result = lx.run(self.command(*words, build=build), check=False, env=env, seconds=seconds)
        return Outcome(result)


class Outcome:
    """What one run of lx_sim said."""

    def __init__(self, result: subprocess.CompletedProcess):
        self.code = result.returncode
        self.output = result.stdout
        self.errors = result.stderr
        lines = result.stdout.splitlines()
        self.counts = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
        self.hashes = {line.split()[1].rstrip(":"): line.split()[2].rstrip(",") for line in lines
                       if line.startswith("seed ") and line.split()[1].endswith(":")}
        self.findings = [line for line in lines if line.startswith("seed ") and not line.split()[1].endswith(":")]
