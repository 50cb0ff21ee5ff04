"""The simulation behind deploy/CAPACITY.md: waiting is counted right, a seed can be repeated, and the page is what the figures give."""
import subprocess
import sys

import lx
import pytest

sys.path.insert(0, str(lx.ROOT / "tests/bench/capacity"))
import costs as measured  # noqa: E402
import simulate  # noqa: E402

COSTS = measured.Costs(push=[(1, 0.001), (100, 0.002)], login=0.001, nothing=0.0001, page=0.0005, statistics=0.0003, assess=0.01, round=0.1,
                       connection_kib=20, row_bytes=400, wal_bytes=600, teacher_kib=14)


def test_a_second_client_waits_for_the_only_core():
    clients = [(0.0, [simulate.Step(1.0)]), (0.5, [simulate.Step(1.0)])]
    one, two = (simulate.run(simulate.Machine(cores), clients, COSTS) for cores in (1, 2))
    assert one.last_s == 2.0 and one.p99_s == 1.5 and one.busy == 1.0
    assert two.last_s == 1.5 and two.p99_s == 1.0


def test_a_push_waits_for_the_disk_and_its_teachers_for_the_assessor():
    step = simulate.Step(0.1, writes=True, teachers=10)
    seen = simulate.run(simulate.Machine(2), [(0.0, [step]), (0.0, [step])], COSTS)
    assert seen.p99_s == pytest.approx(0.1 + simulate.SYNC_S)
    # Both came before the round began, so it takes both: twice 0.1 s and twice ten teachers of 0.01 s.
    assert seen.fresh_p99_s == pytest.approx(0.4)


def test_between_measured_sizes_a_push_costs_what_lies_between():
    assert measured.push_seconds(COSTS, 1) == pytest.approx(0.001)
    assert measured.push_seconds(COSTS, 50.5) == pytest.approx(0.0015)
    assert measured.push_seconds(COSTS, 200) == pytest.approx(0.004)


def test_a_seed_gives_the_same_day():
    habits = simulate.Habits()
    days = [simulate.run(simulate.Machine(2), simulate.peak(COSTS, 50_000, habits, seed, 600), COSTS) for seed in (1, 1, 2)]
    assert days[0] == days[1] != days[2]


def test_the_page_is_what_the_figures_give():
    done = subprocess.run([lx.ROOT / "tests/bench/capacity/run", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
