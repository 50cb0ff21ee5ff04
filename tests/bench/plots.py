"""Draws a scale curve: what shall be flat beside the first point, as measured by turns, with the band of what counts as flat; and a panel
for each unit with median, lowest and highest."""
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "lianxiao"})  # text as text; the same picture, the same file
from matplotlib import pyplot, ticker  # noqa: E402  (the backend comes first)

import curves  # noqa: E402

MARKERS = "osD^vP"


def panels(curve: curves.Curve) -> list[list[curves.Series]]:
    """Series of one unit share a panel."""
    units: dict[str, list[curves.Series]] = {}
    for series in curve.series:
        units.setdefault(series.unit, []).append(series)
    return list(units.values())


def draw_series(axes, label: str, points: list[dict], values: list[dict], place: int) -> None:
    medians = [value["median"] for value in values]
    spread = [[m - v["low"] for m, v in zip(medians, values)], [v["high"] - m for m, v in zip(medians, values)]]
    axes.errorbar([point["x"] for point in points], medians, yerr=spread, marker=MARKERS[place % len(MARKERS)], capsize=3, linewidth=1.5, label=label)


def draw_unit(axes, curve: curves.Curve, points: list[dict], group: list[curves.Series]) -> None:
    for place, series in enumerate(group):
        draw_series(axes, series.label, points, [point["values"][series.key] for point in points], place)
    dress(axes, curve, group[0].unit, points, [v for s in group for p in points for v in p["values"][s.key].values()])


def draw_ratios(axes, curve: curves.Curve, points: list[dict], group: list[curves.Series]) -> None:
    """Where the median of the ratios lies, nine times in ten."""
    for place, series in enumerate(group):
        draw_series(axes, series.label, points, [point["ratios"][series.key] for point in points], place)
    axes.axhspan(1 / curves.FLAT, curves.FLAT, color="grey", alpha=0.15, linewidth=0)
    dress(axes, curve, "times the first point, by turns", points, [curves.FLAT, *(p["ratios"][s.key]["high"] for s in group for p in points)])


def dress(axes, curve: curves.Curve, unit: str, points: list[dict], values: list[float]) -> None:
    axes.set_xscale("log")
    axes.set_xticks([point["x"] for point in points])
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.tick_params(axis="x", rotation=30)
    axes.set_xlabel(f"{curve.x_label} (logarithmic)")
    wide = max(values) > 20 * max(min(values), 1e-9)
    if wide:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda y, _: f"{y:g}"))
    else:
        axes.set_ylim(0, max(values) * 1.35)
    axes.set_ylabel(unit + (" (logarithmic)" if wide else ""))
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=8, loc="best")


def draw(name: str, points: list[dict], folder: Path, caption: str) -> None:
    """NAME.svg and NAME.png."""
    curve = curves.CURVES[name]
    flat = [series for series in curve.series if series.flat]
    drawings = ([(draw_ratios, flat)] if flat else []) + [(draw_unit, group) for group in panels(curve)]
    columns = 2 if len(drawings) > 3 else 1
    lines = -(-len(drawings) // columns)
    figure, grid = pyplot.subplots(lines, columns, figsize=(8 * columns, 3.6 * lines), squeeze=False, layout="constrained")
    for axes in grid.flat[len(drawings):]:
        axes.axis("off")
    for axes, (panel, group) in zip(grid.flat, drawings):
        panel(axes, curve, points, group)
    figure.suptitle(f"{curve.title}\n{caption}", fontsize=10)
    for kind in ("svg", "png"):
        figure.savefig(folder / f"{name}.{kind}", dpi=120, metadata={"Date": None} if kind == "svg" else None)
    pyplot.close(figure)
