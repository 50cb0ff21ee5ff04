"""The same evidence again: the same file twice, from two devices of one school, with other content for a known row."""
import lx
import pytest

import behaviour
from behaviour import CHINESE, SCHOOL, WORKSHOP, Teacher, bring, courses, facts_about, office

INTERVAL, VOID = 1, 14


@pytest.fixture(name="two")
def fixture_two(behaving, tmp_path):
    """Two devices of one school and a teacher whom both know."""
    first, second = office(behaving, "school_admin", SCHOOL), office(behaving, "school_admin", SCHOOL)
    teacher = Teacher(WORKSHOP)
    bring(first, tmp_path, [teacher])
    second.run("sync")
    return first, second, teacher


def export(folder, teacher, name="courses.csv", minutes=50):
    number = teacher.account
    return courses(folder, name, [
        (f"{number}-1", teacher, "p01", "2021-07-05 19:00:00", "2021-07-05 20:00:00"),
        (f"{number}-2", teacher, "p02", "2021-07-06 19:00:00", f"2021-07-06 19:{minutes}:00"),
        (f"{number}-3", teacher, "g01", "2021-07-07 19:00:00", "2021-07-07 20:00:00"),
    ])


def points(home: lx.Home, teacher: Teacher) -> str:
    return home.json("standing", teacher.account)["points"]


def settle(behaving, *homes: lx.Home) -> None:
    """The assessor has written its standings, and the homes have fetched them."""
    behaviour.figures_are_through(behaving)
    for home in homes:
        home.run("sync")


def test_the_same_file_twice_and_from_two_devices(behaving, two, tmp_path):
    first, second, teacher = two
    file = export(tmp_path, teacher)
    assert first.json("record", "import", file)["new"] == 3
    assert first.run("record", "import", file).stdout.startswith("course, UTF-8: 0 new, 3 the same, 0 changed, 0 bad")
    # The second device does not know of the first one's import: it makes the same records under other ids.
    assert second.json("record", "import", file)["new"] == 3
    assert first.json("sync")["sent"] == 3
    alone = points(first, teacher)
    told = second.json("sync")
    assert (told["sent"], told["refused"], told["waiting"]) == (3, 0, 0)
    assert len(facts_about(behaving, teacher, INTERVAL)) == 3
    settle(behaving, first, second)
    for home in (first, second):
        assert behaviour.waits_here(home) == 0, "what is stored under another id does not stay here"
        assert len(home.json("record", "list", teacher.account)) == 3
        assert points(home, teacher) == alone
        again = home.run("record", "import", file, lang=CHINESE).stdout
        assert "新增 0" in again and "相同 3" in again, again
    assert float(alone) > 0
    assert behaviour.replica(first) == behaviour.replica(second)


def test_other_content_for_a_known_row_supersedes_it_visibly(behaving, two, tmp_path):
    first, second, teacher = two
    first.run("record", "import", export(tmp_path, teacher))
    first.run("sync")
    before = points(first, teacher)
    changed = first.run("record", "import", export(tmp_path, teacher, "changed.csv", minutes=20))
    assert "0 new, 2 the same, 1 changed, 0 bad" in changed.stdout
    first.run("sync")
    assert float(points(first, teacher)) < float(before)
    second.run("sync")
    for home in (first, second):
        kinds = sorted(record["kind"] for record in home.json("record", "list", teacher.account))
        assert len(kinds) == 5 and kinds.count("void") == 1, kinds
        assert points(home, teacher) == points(first, teacher)
    counting = facts_about(behaving, teacher, INTERVAL)
    assert len(counting) == 3
    assert len(facts_about(behaving, teacher, VOID)) == 1


def test_two_devices_with_different_content_agree_on_one(behaving, two, tmp_path):
    """The second device never saw the first one's rows: the server replaces the old row by the newer delivery."""
    first, second, teacher = two
    first.run("record", "import", export(tmp_path, teacher))
    second.run("record", "import", export(tmp_path, teacher, "other.csv", minutes=30))
    first.run("sync")
    told = second.json("sync")
    assert (told["sent"], told["refused"]) == (3, 0)
    settle(behaving, first, second)
    assert len(facts_about(behaving, teacher, INTERVAL)) == 3
    assert len(facts_about(behaving, teacher, VOID)) == 1
    assert behaviour.replica(first) == behaviour.replica(second)
    assert points(first, teacher) == points(second, teacher)
    minutes = {record["until"] for record in first.json("record", "list", teacher.account) if record["until"]}
    assert {"2021-07-06 19:30:00", "2021-07-06 19:50:00"} <= minutes, "both stay visible"
