"""The fault proxy (tests/fault/proxy) as tests use it: a port in front of another one, with faults by a seed."""
import json
import os
import subprocess
from pathlib import Path
from typing import Optional

import lx

# It is no part of the product: campaigns with another build (LX_BUILD) take it from the dev build.
PROGRAM = Path(os.environ.get("LX_FAULT_PROXY", lx.ROOT / "build-dev/tests/fault/proxy/lx_fault_proxy"))


class Proxy:
    def __init__(self, port: int, seed: int, log: Optional[Path] = None, replay: Optional[Path] = None):
        command = [str(PROGRAM), "--to", str(port), "--seed", str(seed)]
        command += ["--log", str(log)] if log else []
        command += ["--replay", str(replay)] if replay else []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        word, number = self.process.stdout.readline().split()
        assert word == "port"
        self.port = int(number)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def order(self, word: str) -> None:
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def counts(self) -> dict:
        self.order("counts")
        return json.loads(self.process.stdout.readline())

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        code = self.process.wait(30)
        self.process.stdout.close()
        assert code == 0, f"the proxy ended with {code}"
