"""The simulator: as many seeds as there is time for, and one that is played twice."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import lx  # noqa: E402  (the path comes first)
from simulator import Simulator  # noqa: E402

SECONDS = 12


@pytest.fixture(scope="module", name="simulator")
def simulator_():
    with Simulator() as made:
        yield made


def test_seeds(simulator):
    outcome = simulator.run("--seed", 1, "--seeds", 100000, "--seconds", SECONDS)
    assert outcome.code == 0, outcome.output + outcome.errors
    assert outcome.counts["seeds"] > 0 and outcome.counts["findings"] == 0
    assert outcome.counts["acknowledged"] > 10 * outcome.counts["seeds"]
    assert outcome.counts["worker_crashes"] > 0 and outcome.counts["cuts"] > 0
    assert "Sanitizer" not in outcome.errors.replace("ASan doesn't fully support", ""), outcome.errors


def test_a_seed_is_played_twice(simulator, tmp_path):
    """The same trace, byte for byte, in another process and after another seed."""
    first = simulator.run("--seed", 7, "--operations", 60, "--trace", tmp_path / "first")
    again = simulator.run("--seed", 6, "--seeds", 2, "--operations", 60)
    other = simulator.run("--seed", 7, "--operations", 60, "--trace", tmp_path / "other")
    assert first.hashes["7"] == other.hashes["7"] == again.hashes["7"]
    assert again.hashes["6"] != again.hashes["7"]
    assert (tmp_path / "first").read_bytes() == (tmp_path / "other").read_bytes()


def test_the_heal_leaves_no_connection_slow(simulator, tmp_path):
    """At two seconds a packet, a page a row, no sync ends within the bound, and nothing is wrong (seed 32000202)."""
    for first in range(1, 121, 12):  # until one has a slow connection when the heal comes: which seed that is, the simulator's next change decides
        outcome = simulator.run("--seed", first, "--seeds", 12, "--operations", 30, "--trace", tmp_path / "trace")
        trace = (tmp_path / "trace").read_text(encoding="utf-8")
        assert outcome.code == 0, outcome.output + outcome.errors
        if " is slow no longer\n" in trace:
            assert " gets slow\n" in trace
            return
    pytest.fail("no connection is slow when the heal comes")


def assert_found(simulator, words: str, env=None) -> None:
    """One of the first seeds that find anything says so, with these words: a bug shows in other ways, too."""
    first, told = 1, []
    for _ in range(4):
        outcome = simulator.run("--seed", first, "--seeds", 16, "--operations", 100, "--stop", env=env)
        assert outcome.code == 1 and outcome.counts["findings"] > 0, "the planted bug was not found\n" + outcome.output + outcome.errors
        told += outcome.findings
        if words in "\n".join(outcome.findings):
            return
        first += outcome.counts["seeds"]
    pytest.fail(f"nothing says {words}:\n" + "\n".join(told))


@pytest.mark.parametrize("bug,words", [("drop", "lost:"), ("drop", "does not see its own"), ("skipped_row", "prove whole"),
                                       ("wrong_rollup", "roll-ups")])
def test_a_bug_planted_in_c_is_found(simulator, bug, words):
    assert_found(simulator, words, {"LX_PLANT": bug})


@pytest.mark.parametrize("file,words", [("tests/fault/plants/leak.sql", "leak:"), ("tests/fault/plants/duplicate.sql", "nobody sent"),
                                        ("tests/sim/plants/wrong_digest.sql", "prove whole"),
                                        ("tests/sim/plants/edited_run.sql", "audit:"),
                                        ("tests/sim/plants/left_behind.sql", "double:"),
                                        ("tests/sim/plants/lost_on_the_way.sql", "lost:"),
                                        ("tests/sim/plants/forgotten_revocation.sql", "rights:"),
                                        ("tests/sim/plants/other_receipt.sql", "computes another standing"),
                                        ("tests/sim/plants/stuck_queue.sql", "does not end")])
def test_a_bug_planted_in_sql_is_found(simulator, file, words):
    simulator.renew((lx.ROOT / file).read_text(encoding="utf-8"))
    try:
        assert_found(simulator, words)
    finally:
        simulator.renew()
