"""The product beside the limits and the peers: G1 to G16, each as a ratio of one interleaved run, against its target.

Sides take turns (A B A B ...), a first round warms up; medians with lowest and highest. Usage:
    tests/bench/run [NAME...] [--rounds N] [--seconds S] [--output FOLDER]
NAME: push durable single ping idle handshake reads fresh assess client (all when none is given), and rescore, which takes minutes.
Writes results.json and results.md into the folder (default: build-release/bench). Only ratios of one run mean anything.
"""
import argparse
import json
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib"), str(HERE.parent / "interop")]

import figures  # noqa: E402  (the paths come first)
import lx  # noqa: E402
import targets  # noqa: E402
import town as towns  # noqa: E402
from drive import load_generator, raise_limit  # noqa: E402

SCHOOLS = 25


def machine() -> str:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
                  if line.startswith("model name")), "?")
    cores = sum(line.startswith("processor") for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines())
    return f"{cores} cores, {model}, Linux {platform.release()}, load {Path('/proc/loadavg').read_text(encoding='ascii').split()[0]}"


def measure(names: list[str], options) -> tuple[list[dict], dict]:
    rows, seen = [], {}
    with lx.Deployment(durable=True, max_connections=40000, workers=1) as city, load_generator() as load:
        town = towns.Town(city, SCHOOLS)
        city.server.program = lx.BUILD / "tests/bench/lianxiaod_bench"
        bench = figures.Bench(city, town, load, options)
        city.server.start()
        towns.make_raw_table(city.cluster)
        for name in names:
            started = time.monotonic()
            for key, spread in figures.MEASURES[name](bench).items():
                rows.append(targets.row(targets.BY_ID[key], spread))
                print(targets.markdown(rows[-1:]).splitlines()[-1], flush=True)
            seen = bench.seen
            print(f"({name}: {time.monotonic() - started:.0f} s)", flush=True)
    return rows, seen


def write(folder: Path, rows: list[dict], seen: dict, command: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    head = {"command": command, "machine": machine(), "date": time.strftime("%Y-%m-%d %H:%M")}
    (folder / "results.json").write_text(json.dumps({**head, "figures": rows, "seen": seen}, indent=1) + "\n", encoding="utf-8")
    text = f"`{command}` on {head['date']}, {head['machine']}\n\n{targets.markdown(rows)}\n"
    (folder / "results.md").write_text(text, encoding="utf-8")
    print(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *figures.MEASURES], default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of one side in one round, about")
    parser.add_argument("--guess", type=float, default=80_000, help="records a second that sizes the rounds")
    parser.add_argument("--teachers", type=int, default=200_000, help="of rescore")
    parser.add_argument("--output", type=Path, default=lx.BUILD / "bench")
    options = parser.parse_args()
    raise_limit()
    rows, seen = measure(options.names or [name for name in figures.MEASURES if name != "rescore"], options)
    write(options.output, rows, seen, "tests/bench/run " + " ".join(sys.argv[1:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
