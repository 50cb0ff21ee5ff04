"""The product beside the limits and the peers: G1 to G16, each as a ratio of one interleaved run, against its target; and scale curves.

Sides take turns (A B A B ...), a first round warms up; medians with lowest and highest. Usage:
    tests/bench/run [NAME...] [--rounds N] [--seconds S] [--output FOLDER]
    tests/bench/run curves [--short] [--points N...]    the four scale curves: ledger connections batch teachers
    tests/bench/run all [--minutes M]                   everything that is not in the folder yet, as long as the time lasts; then --report
    tests/bench/run --report                            writes what the folder has into tests/bench/RESULTS.md
NAME: push durable single ping idle handshake reads groupby fresh assess client (all when none is given), rescore (takes minutes), or a curve.
Writes NAME.json into the folder (default: build-release/bench), of curves NAME.svg and NAME.png, too. Only ratios of one run mean
anything; processor time is worth more than time where others use the machine, and each file says how much they did.
"""
import argparse
import contextlib
import json
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib"), str(HERE.parent / "interop")]

import curves  # noqa: E402  (the paths come first)
import figures  # noqa: E402
import lx  # noqa: E402
import plots  # noqa: E402
import report  # noqa: E402
import targets  # noqa: E402
import town as towns  # noqa: E402
from drive import Spread, load_generator, raise_limit  # noqa: E402

SCHOOLS = 25
LONG = ("rescore",)
RESCORED = 200_000  # teachers of G15.rescore
# Seconds that each takes with the defaults on two free cores; --minutes begins nothing that would not end in time.
EXPECTED = {"push": 90, "durable": 90, "single": 20, "ping": 30, "idle": 150, "handshake": 20, "reads": 25, "groupby": 40, "fresh": 150, "assess": 10,
            "client": 60, "rescore": 400, "ledger": 250, "connections": 120, "batch": 40, "teachers": 450}


def machine() -> dict:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
                  if line.startswith("model name")), "?")
    cores = sum(line.startswith("processor") for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines())
    return {"cores": cores, "machine": f"{cores} cores, {model}, Linux {platform.release()}"}


def busy_share(seconds: float = 2) -> float:
    """How much of the machine somebody else uses, now that nothing of ours runs."""
    def ticks() -> tuple[int, int]:
        words = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]]
        return sum(words), words[3] + words[4]
    (total, idle), _ = ticks(), time.sleep(seconds)
    total_after, idle_after = ticks()
    return 1 - (idle_after - idle) / max(1, total_after - total)


class City:
    """The city of the figures, started when it is first asked for."""

    def __init__(self, options):
        self.options, self.stack, self.bench = options, contextlib.ExitStack(), None

    def __enter__(self) -> "City":
        return self

    def __exit__(self, *_) -> None:
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
    options = city.options
    head = {"name": name, "command": report.command(name, options), **machine(), "date": time.strftime("%Y-%m-%d %H:%M"), "others": round(busy_share(), 2)}
    started = time.monotonic()
    if name in curves.CURVES:
        found = {"curve": curves.measure(name, options)}
        last = found["curve"]["points"][-1]
        if name == "teachers" and last["x"] > 0.99 * RESCORED:  # the same measurement as `rescore`
            found["figures"] = [targets.row(targets.BY_ID["G15.rescore"], Spread(**last["values"]["rescore_s"]))]
    else:
        bench = figures.Bench.bare(options) if name == "rescore" else city.get()
        bench.seen = {}
        rows = [targets.row(targets.BY_ID[key], spread) for key, spread in figures.MEASURES[name](bench).items()]
        found = {"figures": rows, "seen": bench.seen}
    return {**head, "seconds": round(time.monotonic() - started), **found}


def keep(folder: Path, result: dict) -> None:
    name = result["name"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if "curve" in result:
        plots.draw(name, result["curve"], folder, report.caption(result))
        print(curves.markdown(name, result["curve"]))
    else:
        print(targets.markdown(result["figures"]))
    print(f"({name}: {result['seconds']} s, others used {result['others']:.0%} of the machine when it began)\n", flush=True)


def chosen(options) -> list[str]:
    names = []
    for name in options.names or [name for name in figures.MEASURES if name not in LONG]:
        if name == "all":
            names += [n for n in [*figures.MEASURES, *curves.CURVES] if n not in LONG and not (options.output / f"{n}.json").exists()]
        else:
            names += curves.CURVES if name == "curves" else [name]
    return names


def measure_all(options) -> None:
    """In the order given, as long as the time lasts."""
    until = time.monotonic() + 60 * options.minutes if options.minutes else None
    left = []
    with City(options) as city:
        for name in chosen(options):
            if until is not None and time.monotonic() + EXPECTED[name] > until:
                left.append(name)
                continue
            keep(options.output, measure(name, city))
    if left:
        print(f"left for the next call: {' '.join(left)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], "all", "curves", *figures.MEASURES, *curves.CURVES], default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of one side in one round, about")
    parser.add_argument("--guess", type=float, default=80_000, help="records a second that sizes the rounds")
    parser.add_argument("--teachers", type=int, default=RESCORED, help="of rescore")
    parser.add_argument("--points", type=int, nargs="+", help="of a curve, instead of its own")
    parser.add_argument("--short", action="store_true", help="the small points of a curve")
    parser.add_argument("--minutes", type=float, help="begin nothing that would take longer")
    parser.add_argument("--report", action="store_true", help="write the folder's results into RESULTS.md")
    parser.add_argument("--output", type=Path, default=lx.BUILD / "bench")
    options = parser.parse_args()
    raise_limit()
    if options.names or not options.report:
        measure_all(options)
    if options.report or "all" in options.names:
        report.write(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
