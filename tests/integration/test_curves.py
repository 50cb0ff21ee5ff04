"""The frame of the scale curves: what its verdicts say, and that a point measured is kept."""
import argparse
import contextlib
import json
import sys

import lx
import pytest

sys.path[:0] = [str(lx.ROOT / "tests/bench"), str(lx.ROOT / "tests/interop")]
import curves  # noqa: E402
import record  # noqa: E402
from drive import Spread, likely  # noqa: E402

NOISE = (1.0, 1.3, 0.8, 1.1, 0.9, 1.4)


class Made:
    """A subject whose cost is made up: of a point, in the round."""
    measured: list = []

    def __init__(self, cost):
        self.cost, self.point, self.round = cost, 0, -1

    def grow(self, point: int) -> None:
        assert point >= self.point, "a city never shrinks"
        self.point = point

    def size(self) -> float:
        return self.point

    def ask(self, _: float) -> dict:
        self.round += 1
        self.measured.append(self.point)
        return {"us": self.cost(self.point, self.round)}


def curve(cost) -> curves.Curve:
    return curves.Curve("made up", "size", (1, 10, 100), (1,), lambda _: Made(cost), (curves.Part("ask", (curves.Series("us", "cost", "µs", True),)),), 1, 0)


def verdict(cost, rounds: int = 5) -> tuple[str, int]:
    """And how many rounds it took."""
    made = curve(cost)
    points = [curves.measure_point(made, Made(cost), point, rounds, 1) for point in made.points]
    return curves.verdict(points, "us"), max(point["rounds"]["us"] for point in points)


def test_the_median_lies_between_values_that_a_coin_seldom_leaves_on_one_side():
    assert likely([3, 1, 2]) == Spread(2, 1, 3)
    assert likely([5, 1, 4, 2, 3]) == Spread(3, 1, 5)
    assert likely(list(range(8))) == Spread(3.5, 1, 6)
    assert likely(list(range(15))) == Spread(7, 3, 11)


def test_what_stays_is_flat_and_what_grows_is_not():
    assert verdict(lambda point, number: 5 + number / 100) == ("flat within 15%", 5)
    assert verdict(lambda point, number: 5 if point < 100 else 6) == ("not flat: 1.20× (1.20 to 1.20) at 100", 5)


def test_growth_after_a_fall_is_said():
    assert verdict(lambda point, number: {1: 10, 10: 5, 100: 8}[point])[0] == "flat within 15% of the first, but 1.60× its lowest at 100"


def test_one_wild_round_changes_nothing():
    said, rounds = verdict(lambda point, number: 50 if point == 100 and number == 2 else 5)
    assert said == "flat within 15%" and rounds > 5


def test_rounds_that_differ_are_unclear_after_three_times_as_many():
    said, rounds = verdict(lambda point, number: 5 * (NOISE[number % len(NOISE)] if point == 100 else 1))
    assert said.startswith("unclear, rounds differ: 1.10× (0.90 to 1.30)") and rounds == 15


def test_what_takes_long_ends_after_three_rounds(monkeypatch):
    monkeypatch.setattr(curves, "PATIENCE_S", 0)
    said, rounds = verdict(lambda point, number: 5 * (NOISE[number % len(NOISE)] if point == 100 else 1))
    assert said.startswith("unclear, rounds differ: 1.00× (0.80 to 1.30)") and rounds == 3  # the first is counted, too


def test_noise_that_both_share_falls_out():
    assert verdict(lambda point, number: 5 * NOISE[number % len(NOISE)]) == ("flat within 15%", 5)


@pytest.fixture(name="made")
def fixture_made(monkeypatch):
    monkeypatch.setitem(curves.CURVES, "made", curve(lambda point, number: 5))
    monkeypatch.setattr(record, "busy_share", lambda: 0.0)
    monkeypatch.setattr(Made, "measured", [])


@pytest.mark.usefixtures("made")
def test_a_point_measured_is_kept(tmp_path):
    options = argparse.Namespace(points=None, short=False, rounds=3, seconds=1, anew=False, output=tmp_path)

    def measured(now: list, **changed) -> list:
        Made.measured.clear()
        assert record.measure_curve("made", argparse.Namespace(**{**vars(options), "points": now, **changed}), float("inf"))
        return sorted(set(Made.measured) - {1})

    assert measured([10]) == [10]
    assert measured([10, 100]) == [100]
    assert measured([10], anew=True) == [10]
    kept = json.loads((tmp_path / "made.json").read_text(encoding="utf-8"))
    assert [point["point"] for point in kept["points"]] == [10]
    assert kept["command"] == "tests/bench/run made --rounds 3 --seconds 1 --points 10"


@pytest.mark.usefixtures("made")
def test_what_was_measured_before_a_fault_is_kept(tmp_path, monkeypatch):
    options = argparse.Namespace(points=None, short=False, rounds=3, seconds=1, anew=False, output=tmp_path)
    grow = Made.grow
    with monkeypatch.context() as patch:
        patch.setattr(Made, "grow", lambda self, point: grow(self, point) if point < 100 else 1 / 0)
        with contextlib.suppress(ZeroDivisionError):
            record.measure_curve("made", options, float("inf"))
    Made.measured.clear()
    assert record.measure_curve("made", options, float("inf"))
    assert sorted(set(Made.measured)) == [1, 100]


@pytest.mark.usefixtures("made")
def test_no_point_is_begun_that_would_not_end_in_time(tmp_path):
    options = argparse.Namespace(points=None, short=False, rounds=3, seconds=1, anew=False, output=tmp_path)
    assert not record.measure_curve("made", options, 0)
    assert not Made.measured
