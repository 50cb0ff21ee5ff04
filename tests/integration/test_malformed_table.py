"""malformed.csv: what is malformed, the expected answer, the attack (attacks.py) that sends it, a test that looks at it closely, or why there is none.

While a row is repeated an honest client goes on; afterwards what it sees and what is stored is the same, the worker has no more bytes in use than
before, and no descriptor is left.
"""
import csv
import re
from pathlib import Path

import pytest

import attacks
import conftest
import watching

HERE = Path(__file__).parent
ROWS = list(csv.DictReader((HERE / "malformed.csv").read_text(encoding="utf-8").splitlines()))
ATTACKS = [row for row in ROWS if row["attack"]]
REASONS = set(attacks.REASONS.values())
WARM, TIMES = 2, 10
SLOW = {"key_update_flood": 3, "second_login": 4, "same_key_with_another_payload": 3, "after_goodbye": 4}  # processes, a password's hash


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["row"])
def test_every_row_has_its_test(row):
    assert row["attack"] or row["test"] or row["why"]
    assert not row["attack"] or row["answer"], "an attack has an answer"
    named = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", row["answer"]))
    assert named - REASONS <= {"not_offered"}, named - REASONS
    if row["test"]:
        file, test = row["test"].split("::")
        text = (HERE / file).read_text(encoding="utf-8")
        assert re.search(rf"(def|void) {test}\(", text), row["test"]
        if not row["attack"] and file.endswith(".py"):
            assert all(f'"{reason}"' in text for reason in named), f"{file} does not ask for {named}"


@pytest.fixture(scope="module", name="watched")
def fixture_watched(tmp_path_factory):
    with watching.watched(conftest.found_city, tmp_path_factory.mktemp("attacks")) as made:
        yield made


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: row["row"])
def test_attack(watched, row):
    attack, expected = attacks.ATTACKS[row["attack"]], set(row["answer"].split())
    assert watched.attack_again(attack, WARM) == expected
    stored, descriptors, used = watched.stored(), watched.worker.descriptors(), watching.settled(watched.worker)
    assert watched.attack_again(attack, SLOW.get(row["attack"], TIMES)) == expected
    watching.nothing_is_left(watched.worker, used, descriptors)
    assert watched.stored() == stored
    assert watched.honest.seen() == watched.honest.before


def test_every_attack_has_its_row():
    assert sorted(row["attack"] for row in ATTACKS) == sorted(attacks.ATTACKS)
