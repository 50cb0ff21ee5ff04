"""Writes down what is measured: where and when, and a curve point by point, so that a call that ends early has lost nothing."""
import contextlib
import json
import platform
import time
from pathlib import Path

import curves
import report
import targets
from drive import Spread

RESCORED = 200_000  # teachers of G15.rescore: the last point of its curve


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


def when() -> dict:
    return {"date": time.strftime("%Y-%m-%d %H:%M"), "others": round(busy_share(), 2)}


def keep(folder: Path, result: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result['name']}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


# ---- a curve, point by point ----

def points_of(name: str, options) -> list[int]:
    curve = curves.CURVES[name]
    return sorted(options.points or (curve.short if options.short else curve.points))


def points_kept(name: str, folder: Path) -> list[dict]:
    """What the folder has of a curve already."""
    file = folder / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")).get("points", []) if file.exists() else []


def curve_result(name: str, options, points: list[dict]) -> dict:
    """Of points that may come from several calls."""
    found = {"name": name, "command": report.command(name, options, [p["point"] for p in points]), **machine(), "points": points,
             "date": max(p["date"] for p in points), "others": max(p["others"] for p in points), "seconds": sum(p["seconds"] for p in points)}
    last = points[-1]
    if name == "teachers" and last["point"] == RESCORED:
        found["figures"] = [targets.row(targets.BY_ID["G15.rescore"], Spread(**last["values"]["rescore_s"]))]
    return found


def measure_curve(name: str, options, until: float) -> bool:
    """Each point is written down when it is measured; False when the time does not do for all."""
    curve, points, done = curves.CURVES[name], [] if options.anew else points_kept(name, options.output), True
    with contextlib.ExitStack() as stack:
        here = None
        for point in points_of(name, options):
            if point in [p["point"] for p in points]:
                continue
            if time.monotonic() + curve.expected_s(point) > until:
                done = False
                break
            head, started = when(), time.monotonic()
            here = here or curve.make(stack)
            measured = curves.measure_point(curve, here, point, options.rounds, options.seconds)
            points = sorted([*points, {**head, "seconds": round(time.monotonic() - started), **measured}], key=lambda p: p["point"])
            print(curves.summary(name, measured), flush=True)
            keep(options.output, curve_result(name, options, points))
    return done
