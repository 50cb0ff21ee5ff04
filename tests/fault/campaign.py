"""Long campaigns: which is called next, with which seed, and the sum of what came out.

A campaign is an executable campaigns/NAME, called with --seed N --seconds T. It works about T seconds, prints one JSON
object of counts as its last line and exits 0, or not 0 on a finding with all that is needed to repeat it above. Its
figures to reach stand in campaigns/targets.json; a target of 0 is a count that must stay 0. results.json holds the sums
and the next seed, is written after every call, and may be written by several runners at once.
"""
import argparse
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Optional

HERE = Path(__file__).resolve().parent
CALL_SECONDS = 240  # of one call: what a kill of the runner loses at most
GRACE = 900         # beyond its time, after which a call counts as hanging


class Malformed(ValueError):
    """A campaign's last line is not what it promised."""


def missing_share(counts: dict, targets: dict) -> float:
    """Of the figure that is furthest from its target: 1 nothing is there, 0 all is."""
    shares = [1 - min(counts.get(name, 0) / target, 1) for name, target in targets.items() if target > 0]
    return max(shares, default=1.0)


def choose(names: list[str], results: dict, targets: dict, used_s: dict) -> str:
    """Time is shared in proportion to what is missing; when nothing is, in equal parts."""
    def rank(name: str):
        missing = missing_share(results.get(name, {}).get("counts", {}), targets.get(name, {}))
        return (missing == 0, used_s.get(name, 0) / max(missing, 0.01), -missing, name)
    return min(names, key=rank)


def parse_counts(output: str) -> dict:
    lines = output.strip().splitlines()
    try:
        counts = json.loads(lines[-1])
    except (IndexError, ValueError):
        raise Malformed("the last line is not JSON") from None
    if not isinstance(counts, dict):
        raise Malformed("the last line is not an object")
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise Malformed(f"{name} is {value!r}, not a count")
    return counts


def broken_promises(counts: dict, targets: dict) -> list[str]:
    """What must stay 0 and is not."""
    return [f"{name} = {counts[name]}" for name, target in targets.items() if target == 0 and counts.get(name, 0) != 0]


def add(entry: dict, counts: dict, seconds: float) -> None:
    entry["calls"] = entry.get("calls", 0) + 1
    entry["seconds"] = round(entry.get("seconds", 0) + seconds)
    sums = entry.setdefault("counts", {})
    for name, value in counts.items():
        sums[name] = round(sums.get(name, 0) + value, 3)


class Results:
    """results.json; every change is read, made and replaced under a lock."""

    def __init__(self, path: Path):
        self.path = path

    def read(self) -> dict:
        return json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}

    @contextlib.contextmanager
    def change(self):
        with open(self.path.with_suffix(".lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            data = self.read()
            yield data
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            os.replace(fresh, self.path)

    def take_seed(self, name: str) -> int:
        """Taken before the call, so a seed is never used twice, whatever becomes of the call."""
        with self.change() as data:
            entry = data.setdefault(name, {})
            seed = entry.get("next_seed", 1)
            entry["next_seed"] = seed + 1
            return seed

    def note(self, name: str, counts: dict, seconds: float) -> None:
        with self.change() as data:
            add(data.setdefault(name, {}), counts, seconds)

    def note_finding(self, name: str) -> None:
        with self.change() as data:
            entry = data.setdefault(name, {})
            entry["findings"] = entry.get("findings", 0) + 1


class Runner:
    """Calls campaigns in turn until the time is over or every one of them has a finding."""

    def __init__(self, folder: Path = HERE / "campaigns", results: Path = HERE / "results.json",
                 findings: Path = HERE / "findings"):
        self.folder = folder
        self.results = Results(results)
        self.findings = findings
        self.process: Optional[subprocess.Popen] = None

    def names(self) -> list[str]:
        return sorted(p.name for p in self.folder.iterdir() if p.is_file() and os.access(p, os.X_OK))

    def targets(self) -> dict:
        return json.loads((self.folder / "targets.json").read_text(encoding="utf-8"))

    def run(self, seconds: float, names: list[str]) -> int:
        """The number of findings."""
        left, used_s, found = list(names), {}, 0
        until = time.monotonic() + seconds
        while left and time.monotonic() < until:
            name = choose(left, self.results.read(), self.targets(), used_s)
            started = time.monotonic()
            length = max(min(CALL_SECONDS, until - started), 5)
            if not self.call(name, length):
                left.remove(name)
                found += 1
            used_s[name] = used_s.get(name, 0) + time.monotonic() - started
        return found

    def call(self, name: str, seconds: float) -> bool:
        """False: a finding; its output is kept."""
        seed = self.results.take_seed(name)
        print(f"{time.strftime('%H:%M:%S')} {name} --seed {seed} --seconds {seconds:.0f}", flush=True)
        started = time.monotonic()
        output, why = self.execute([self.folder / name, "--seed", str(seed), "--seconds", f"{seconds:.0f}"], seconds)
        if not why:
            try:
                counts = parse_counts(output)
                why = ", ".join(broken_promises(counts, self.targets().get(name, {})))
            except Malformed as fault:
                why = str(fault)
        if not why:
            print(f"         {json.dumps(counts)}", flush=True)
            self.results.note(name, counts, time.monotonic() - started)
            return True
        self.findings.mkdir(exist_ok=True)
        kept = self.findings / f"{name}-{seed}.log"
        kept.write_text(output + f"\n== {why}\n", encoding="utf-8")
        self.results.note_finding(name)
        print(f"FINDING  {name} --seed {seed}: {why}; see {kept}", flush=True)
        return False

    def execute(self, command: list, seconds: float) -> tuple[str, str]:
        """(output, what went wrong). The campaign has a process group of its own, which ends with it."""
        with subprocess.Popen([str(w) for w in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True) as process:
            self.process = process
            try:
                output, _ = process.communicate(timeout=seconds + GRACE)
                why = "" if process.returncode == 0 else f"exit code {process.returncode}"
            except subprocess.TimeoutExpired:
                self.end()
                output, _ = process.communicate()
                why = f"it did not end within {seconds + GRACE:.0f} s"
            finally:
                self.process = None
        return output, why

    def end(self) -> None:
        """Asks the running call to end, so that it takes its servers along, and waits for it."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)

    def report(self) -> str:
        """A table of what was counted, what is aimed at and what is missing."""
        results, targets = self.results.read(), self.targets()
        lines = ["| campaign | figure | counted | aim | missing |", "|---|---|---:|---:|---:|"]
        for name in sorted({*results, *targets, *self.names()}):
            entry = results.get(name, {})
            counts, aims = entry.get("counts", {}), targets.get(name, {})
            lines.append(f"| {name} | calls, seconds, findings | {entry.get('calls', 0):,}, {entry.get('seconds', 0):,}, "
                         f"{entry.get('findings', 0)} | | |")
            for figure in sorted({*counts, *aims}):
                have, aim = counts.get(figure, 0), aims.get(figure)
                missing = "" if aim is None or aim == 0 else f"{max(aim - have, 0):,}"
                lines.append(f"| | {figure} | {have:,} | {'' if aim is None else f'{aim:,}'} | {missing} |")
        return "\n".join(lines)


def stop(*_) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/fault/run", description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, help="how long; without: only with --report")
    parser.add_argument("--report", action="store_true", help="prints the table of results")
    parser.add_argument("names", nargs="*", metavar="NAME", help="campaigns (default: all)")
    given = parser.parse_args()
    runner = Runner()
    unknown = set(given.names) - set(runner.names())
    if unknown:
        parser.error(f"no campaign {', '.join(sorted(unknown))}; there are: {', '.join(runner.names())}")
    found = 0
    if given.hours is not None:
        signal.signal(signal.SIGTERM, stop)
        try:
            found = runner.run(given.hours * 3600, given.names or runner.names())
        except KeyboardInterrupt:
            runner.end()
            return 130
    print(runner.report())
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
