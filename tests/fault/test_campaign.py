"""The runner of campaigns: its choice, its sums, its seeds, and that no finding passes unseen."""
import json
import textwrap

import campaign
import pytest


@pytest.fixture
def runner(tmp_path):
    folder = tmp_path / "campaigns"
    folder.mkdir()
    (folder / "targets.json").write_text('{"good": {"kills": 10, "lost": 0}, "bad": {"lost": 0}}')
    return campaign.Runner(folder, tmp_path / "results.json", tmp_path / "findings")


def write(runner, name: str, script: str) -> None:
    path = runner.folder / name
    path.write_text("#!/bin/bash\n" + textwrap.dedent(script))
    path.chmod(0o755)


@pytest.mark.parametrize("counts, targets, share", [
    ({}, {"kills": 10}, 1), ({"kills": 4}, {"kills": 10}, 0.6), ({"kills": 12}, {"kills": 10, "lost": 0}, 0),
    ({"kills": 10, "acknowledged": 1}, {"kills": 10, "acknowledged": 4}, 0.75), ({"kills": 9}, {}, 1),
])
def test_missing_share(counts, targets, share):
    assert campaign.missing_share(counts, targets) == pytest.approx(share)


def test_time_goes_where_most_is_missing():
    targets = {"a": {"n": 10}, "b": {"n": 10}, "c": {"n": 10}}
    results = {"a": {"counts": {"n": 10}}, "b": {"counts": {"n": 5}}, "c": {"counts": {"n": 1}}}
    assert campaign.choose(["a", "b", "c"], results, targets, {}) == "c"
    assert campaign.choose(["a", "b", "c"], results, targets, {"c": 60}) == "b"
    assert campaign.choose(["a", "b", "c"], results, targets, {"b": 60, "c": 60}) == "c", "9 is missing, not 5"
    assert campaign.choose(["a", "b"], results, targets, {"b": 999}) == "b", "what is complete comes last"
    assert campaign.choose(["a"], results, targets, {}) == "a"


@pytest.mark.parametrize("output", ["", "no json", "[1]", '{"kills": -1}', '{"kills": "2"}', '{"lost": true}', '{"a": 1}\nafter'])
def test_a_last_line_that_is_no_counts(output):
    with pytest.raises(campaign.Malformed):
        campaign.parse_counts(output)


def test_counts_are_added_and_seeds_never_repeated(runner):
    write(runner, "good", 'echo text; echo "{\\"kills\\": 4, \\"seed_sum\\": $2, \\"lost\\": 0}"')
    for _ in range(3):
        assert runner.call("good", 1)
    entry = json.loads(runner.results.path.read_text())["good"]
    assert entry["counts"] == {"kills": 12, "seed_sum": 1 + 2 + 3, "lost": 0}
    assert (entry["calls"], entry["next_seed"]) == (3, 4)
    assert "| | kills | 12 | 10 | 0 |" in runner.report()


def test_a_killed_call_uses_up_its_seed(runner):
    assert [runner.results.take_seed("good") for _ in range(3)] == [1, 2, 3]
    assert runner.results.read()["good"] == {"next_seed": 4}


@pytest.mark.parametrize("script, why", [
    ('echo "{\\"kills\\": 1}"; exit 1', "exit code 1"), ("echo nothing", "not JSON"), ('echo "{\\"lost\\": 1}"', "lost = 1"),
    ("kill -9 $$", "exit code -9"),
])
def test_a_finding_is_kept_and_ends_its_campaign(runner, script, why):
    write(runner, "bad", script)
    assert runner.run(30, ["bad"]) == 1
    entry = runner.results.read()["bad"]
    assert entry == {"next_seed": 2, "findings": 1}, "its counts are not added, it is not called again"
    assert why in (runner.findings / "bad-1.log").read_text()


def test_a_call_that_hangs_is_a_finding(runner, monkeypatch):
    monkeypatch.setattr(campaign, "GRACE", 0)
    write(runner, "bad", "echo begun; sleep 60")
    assert not runner.call("bad", 0.3)
    assert "did not end" in (runner.findings / "bad-1.log").read_text()


def test_others_go_on_after_a_finding(runner):
    write(runner, "good", 'sleep 0.2; echo "{\\"kills\\": 4}"')
    write(runner, "bad", "exit 3")
    assert runner.run(1, ["bad", "good"]) == 1
    assert runner.results.read()["good"]["calls"] >= 1


def test_every_campaign_has_targets():
    real = campaign.Runner()
    assert set(real.names()) <= set(real.targets())
