"""Puts what was measured into the repository: tests/bench/results.json, the tables of RESULTS.md, the pictures of the curves.

What a folder does not have stays as it was measured before, with its own date and machine.
"""
import json
import shutil
from pathlib import Path
from typing import Sequence

import curves
import targets

HERE = Path(__file__).resolve().parent
RESULTS, PAGE, PICTURES = HERE / "results.json", HERE / "RESULTS.md", HERE / "curves"
BEGIN, END = "<!-- made by tests/bench/run --report: -->", "<!-- end -->"
BUSY = 0.1  # share of the machine that others used: above it a figure is marked


def command(name: str, options, points: Sequence[int] = ()) -> str:
    """What repeats the measurement, of a curve these points."""
    words = [name] + [f"--{key} {value}" for key, value, usual in (("rounds", options.rounds, 5), ("seconds", options.seconds, 2)) if value != usual]
    if name in curves.CURVES and tuple(points) != curves.CURVES[name].points:
        words.append("--points " + " ".join(map(str, points)))
    return "tests/bench/run " + " ".join(words)


def is_busy(result: dict) -> bool:
    return result["others"] > BUSY


def caption(result: dict) -> str:
    busy = f", busy: others used {result['others']:.0%} of it" if is_busy(result) else ""
    return f"{result['date']}, {result['cores']} cores{busy}"


def stored() -> dict:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def merge(folder: Path) -> dict:
    """What is stored, with what the folder has in its place."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    return {**stored(), **{name: result for name, result in found.items() if "figures" in result or "points" in result}}


def figure_rows(results: dict) -> list[dict]:
    """In the order of the targets; a busy machine is marked."""
    place = {target.id: i for i, target in enumerate(targets.TARGETS)}
    rows = [{**row, "verdict": row["verdict"] + (" (busy)" if is_busy(result) else "")} for result in results.values() for row in result.get("figures", [])]
    return sorted(rows, key=lambda row: place[row["id"]])


def runs_table(results: dict) -> str:
    lines = ["| measured by | when | others' share of the machine | took |", "|---|---|---|---|"]
    lines += [f"| `{r['command']}` | {r['date']} | {r['others']:.0%}{' (busy)' if is_busy(r) else ''} | {r['seconds']} s |" for r in results.values()]
    return "\n".join(lines)


def tables(results: dict) -> str:
    rows = figure_rows(results)
    missing = [target.id for target in targets.TARGETS if target.id not in {row["id"] for row in rows}]
    parts = ["## Targets", targets.markdown(rows)]
    if missing:
        parts.append(f"Not measured yet: {', '.join(missing)}.")
    for name, curve in curves.CURVES.items():
        if name in results:
            parts += [f"## {curve.title}", curves.markdown(name, results[name]["points"]), f"![{curve.title}](curves/{name}.svg)"]
    machines = sorted({result["machine"] for result in results.values()})
    return "\n\n".join([*parts, "## Runs", f"Machine: {'; '.join(machines)}.", runs_table(results)])


def write(folder: Path) -> None:
    results = merge(folder)
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PICTURES.mkdir(exist_ok=True)
    for name in curves.CURVES:
        if (folder / f"{name}.svg").exists():  # the PNG beside it stays in the folder: the page shows what is text
            shutil.copy(folder / f"{name}.svg", PICTURES)
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[:text.index(BEGIN) + len(BEGIN)], text[text.index(END):]
    PAGE.write_text(f"{before}\n\n{tables(results)}\n\n{after}", encoding="utf-8")
    print(f"{PAGE.name}, {RESULTS.name} and {PICTURES.name}/ are written")
