"""The product beside the limits and the peers: G1 to G16, each as a ratio of one interleaved run, against its target; and scale curves.

Sides take turns (A B A B ...), a first round warms up; medians with lowest and highest. Usage:
    tests/bench/run [NAME...] [--rounds N] [--seconds S] [--output FOLDER]
    tests/bench/run curves [--short] [--points N...]    the four scale curves: ledger connections batch teachers (with G15.rescore at 200,000)
    tests/bench/run all [--minutes M]                   everything that is not in the folder yet, as long as the time lasts; then --report
    tests/bench/run --report                            writes what the folder has into tests/bench/RESULTS.md, and deploy/CAPACITY.md by it
NAME: push durable single ping idle handshake reads groupby fresh assess client (all when none is given), or a curve. A curve is written
down point by point; called again it goes on with the points that the folder has not (--anew: with all).
Writes NAME.json into the folder (default: build-release/bench), of curves NAME.svg and NAME.png, too. Only ratios of one run mean
anything; processor time is worth more than time where others use the machine, and each file says how much they did.
"""
import argparse
import contextlib
import math
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib"), str(HERE.parent / "interop")]

import curves  # noqa: E402  (the paths come first)
import figures  # noqa: E402
import lx  # noqa: E402
import plots  # noqa: E402
import record  # noqa: E402
import report  # noqa: E402
import targets  # noqa: E402
import town as towns  # noqa: E402
from drive import load_generator  # noqa: E402

SCHOOLS = 25
# Seconds that each takes with the defaults on two free cores; --minutes begins nothing that would not end in time.
EXPECTED = {"push": 90, "durable": 90, "single": 20, "ping": 30, "idle": 150, "handshake": 20, "reads": 25, "groupby": 40, "fresh": 150, "assess": 10,
            "client": 60}


class City:
    """The city of the figures, started when it is first asked for."""

    def __init__(self, options):
        self.options, self.stack, self.bench = options, contextlib.ExitStack(), None

    def __enter__(self) -> "City":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.bench = None
        self.stack.close()

    def get(self) -> figures.Bench:
        if self.bench is None:
            city = self.stack.enter_context(lx.Deployment(durable=True, max_connections=40000, workers=1))
            load = self.stack.enter_context(load_generator())
            town = towns.Town(city, SCHOOLS)
            city.server.program = lx.BUILD / "tests/bench/lianxiaod_bench"
            self.bench = figures.Bench(city, town, load, self.options)
            city.server.start()
            towns.make_raw_table(city.cluster)
        return self.bench


def measure(name: str, city: City) -> dict:
    """What is written down of one name."""
    head = {"name": name, "command": report.command(name, city.options), **record.machine(), **record.when()}
    started = time.monotonic()
    bench = city.get()
    bench.seen = {}
    rows = [targets.row(targets.BY_ID[key], spread) for key, spread in figures.MEASURES[name](bench).items()]
    return {**head, "seconds": round(time.monotonic() - started), "figures": rows, "seen": bench.seen}


def tell(result: dict) -> None:
    print(curves.markdown(result["name"], result["points"]) if "points" in result else targets.markdown(result["figures"]))
    print(f"({result['name']}: {result['seconds']} s, others used {result['others']:.0%} of the machine when it began)\n", flush=True)


def show(name: str, options) -> None:
    """The curve as far as the folder has it."""
    points = record.points_kept(name, options.output)
    if points:
        result = record.curve_result(name, options, points)
        plots.draw(name, points, options.output, report.caption(result))
        tell(result)


def chosen(options) -> list[str]:
    names = []
    for name in options.names or figures.MEASURES:
        if name == "all":
            names += [n for n in figures.MEASURES if not (options.output / f"{n}.json").exists()] + [*curves.CURVES]
        else:
            names += curves.CURVES if name == "curves" else [name]
    return names


def measure_all(options) -> None:
    """In the order given, as long as the time lasts."""
    until = time.monotonic() + (60 * options.minutes if options.minutes else math.inf)
    left = []
    with City(options) as city:
        for name in chosen(options):
            if name in curves.CURVES:
                city.close()  # its processes are somebody else's
                left += [] if record.measure_curve(name, options, until) else [name]
                show(name, options)
            elif time.monotonic() + EXPECTED[name] > until:
                left.append(name)
            else:
                result = measure(name, city)
                record.keep(options.output, result)
                tell(result)
    if left:
        print(f"left for the next call: {' '.join(left)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], "all", "curves", *figures.MEASURES, *curves.CURVES], default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of one side in one round, about")
    parser.add_argument("--guess", type=float, default=80_000, help="records a second that sizes the rounds")
    parser.add_argument("--points", type=int, nargs="+", help="of a curve, instead of its own")
    parser.add_argument("--short", action="store_true", help="the small points of a curve")
    parser.add_argument("--anew", action="store_true", help="all points of a curve, whatever the folder has")
    parser.add_argument("--minutes", type=float, help="begin nothing that would take longer")
    parser.add_argument("--report", action="store_true", help="write the folder's results into RESULTS.md")
    parser.add_argument("--output", type=Path, default=lx.BUILD / "bench")
    options = parser.parse_args()
    lx.raise_descriptor_limit()
    if options.names or not options.report:
        measure_all(options)
    if options.report or "all" in options.names:
        report.write(options.output)
        subprocess.run([HERE / "capacity/run"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
