"""The city's files: as they are made, and taken over by real clients from the roster to the stored facts."""
import csv
import os
import re
import subprocess
from collections import Counter

import lx
import pytest
from conftest import SCHEME

CITY = lx.ROOT / "deploy/city"
GUSHANZI = "3401210001"
BAD_ROWS = "3401030002"
PASSWORD = "right-horse-battery"
GOLDEN = lx.ROOT / "tests/golden/cli"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    lx.run([CITY / "make-city", "--out", folder])
    return folder


@pytest.fixture(scope="module")
def school(files):
    """A server with the city's units, the office of one school logged in on two devices."""
    with lx.Deployment() as deployment:
        deployment.ctl("unit", "import", CITY / "units.csv")
        deployment.ctl("programme", "start", SCHEME)
        deployment.server.start()
        deployment.homes_of = {}
        for code in (GUSHANZI, BAD_ROWS):
            deployment.user(f"office.{code}", "school_admin", code, PASSWORD)
            deployment.homes_of[code] = [deployment.home().enrol(code).login(f"office.{code}", PASSWORD) for _ in range(2)]
            for home in deployment.homes_of[code]:
                home.run("sync")
        yield deployment


def roster(files, code):
    with open(files / "rosters" / f"{code}.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_units_file_is_the_makers(files):
    made = lx.run([CITY / "make-city", "--units"]).stdout
    assert (CITY / "units.csv").read_text(encoding="utf-8") == made


def test_the_same_seed_makes_the_same_city(files, tmp_path):
    lx.run([CITY / "make-city", "--out", tmp_path])
    assert subprocess.run(["diff", "-r", files, tmp_path]).returncode == 0


def test_one_school_has_its_true_numbers(files):
    people = roster(files, GUSHANZI)
    assert len(people) == 89
    full_time = [person for person in people if person["专任"] == "是"]
    ages = Counter((2020 - int(person["出生年份"])) // 10 for person in full_time)
    assert len(full_time) == 64 and [ages[2], ages[3], ages[4], ages[5]] == [8, 15, 14, 27]
    sizes = Counter(person["工作坊"] for person in people)
    assert sizes.pop("") == 4 and sum(sizes.values()) == 85
    assert [sizes[f"{GUSHANZI}-{n:02}"] for n in range(1, 11)] == [21, 13, 6, 5, 3, 10, 4, 3, 8, 12]
    with open(CITY / "units.csv", encoding="utf-8", newline="") as file:
        units = {row["code"]: row for row in csv.DictReader(file)}
    printed = [int(units[f"{GUSHANZI}-{n:02}"]["printed_size"]) for n in range(1, 11)]
    assert printed == [21, 13, 6, 4, 4, 10, 4, 3, 8, 12]
    assert "computers=112" in units[GUSHANZI]["attributes"] and units[GUSHANZI]["printed_size"] == "89"
    assert sum(row["level"] == "district" for row in units.values()) >= 3
    assert sum(row["level"] == "school" for row in units.values()) >= 12


def test_a_roster_is_compared_then_applied(school, files):
    first, second = school.homes_of[GUSHANZI]
    file = files / "rosters" / f"{GUSHANZI}.csv"
    shown = first.json("roster", "import", file)
    assert shown["counts"]["new"] == 89 and not shown["applied"]
    assert (shown["listed"], shown["grouped"]) == (89, 85)
    differences = {row["code"]: (row["printed"], row["listed"]) for row in shown["sizes"]}
    assert differences == {f"{GUSHANZI}-04": (4, 5), f"{GUSHANZI}-05": (4, 3)}
    applied = first.json("roster", "import", file, "--apply")
    assert all(entry["verdict"] == "queued" for entry in applied["entries"])
    first.run("sync")
    assert school.cluster.sql("select count(*) from person") == [["89"]]
    assert first.json("roster", "import", file)["counts"]["same"] == 89
    # The other device has not synced: it makes the same people, and the server takes them for what they are.
    second.run("roster", "import", file, "--apply")
    second.run("sync")
    assert school.cluster.sql("select count(*) from person") == [["89"]]
    assert school.cluster.sql("select count(*) from membership where role = 2") == [["10"]]


def test_evidence_of_two_devices_counts_once(school, files):
    first, second = school.homes_of[GUSHANZI]
    for home in (first, second):
        home.run("sync")
        home.run("roster", "import", files / "rosters" / f"{GUSHANZI}.csv", "--apply")
        home.run("sync")
    courses = files / "evidence" / GUSHANZI / "courses.csv"
    told = first.json("record", "import", courses)
    assert told["charset"] == "GB18030" and told["kind"] == "course" and told["bad"] == 0
    assert second.json("record", "import", courses)["new"] == told["new"]
    first.run("sync")
    second.run("sync")
    second.run("sync")
    stored = int(school.cluster.sql("select count(*) from fact where kind = 1")[0][0])
    assert stored == told["new"]
    for home in (first, second):
        again = home.json("record", "import", courses)
        assert (again["new"], again["same"]) == (0, told["new"])
    for kind in ("self_test", "discussion", "attendance", "hours", "certification", "assessment"):
        result = first.json("record", "import", files / "evidence" / GUSHANZI / f"{kind}.csv")
        assert result["kind"] == kind and result["bad"] == 0 and result["new"] > 0
    first.run("sync")
    assert first.json("status")["waiting"] == 0


def test_bad_rows_are_named_and_the_good_ones_go_in(school, files):
    home = school.homes_of[BAD_ROWS][0]
    home.run("roster", "import", files / "rosters" / f"{BAD_ROWS}.csv", "--apply")
    home.run("sync")
    result = home.run("record", "import", files / "evidence" / BAD_ROWS / "courses-bad-rows.csv", "--json", check=False)
    assert result.returncode == 8, result.stderr
    told = lx.json.loads(result.stdout)
    assert (told["new"], told["same"], told["bad"]) == (3, 1, 17)
    assert sorted(row["row"] for row in told["rows"]) == [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 21]
    chinese = home.run("record", "import", files / "evidence" / BAD_ROWS / "courses-bad-rows.csv", check=False,
                       lang="zh_CN.UTF-8").stdout
    assert "已被电子表格改写" in chinese
    home.run("sync")
    assert school.cluster.sql("select count(*) from fact f join unit u on u.id = f.stream "
                              f"where f.kind = 1 and u.code like '{BAD_ROWS}%'") == [["3"]]


def test_offices_hand_in_and_review(school, files):
    """Three phases in the order of the quickstart, for one school: what is reviewed counts, nobody is refused."""
    admin = school.homes_of[GUSHANZI][0]
    admin.run("roster", "import", files / "rosters" / f"{GUSHANZI}.csv", "--apply")
    admin.run("sync")
    school.user("office.city", "city_admin", "340100", PASSWORD)
    city = school.home().enrol("340100").login("office.city", PASSWORD)

    def play(home, phase, code):
        home.run("sync")
        lx.run([CITY / "play", "--lianxiao", lx.BUILD / "client/cli/lianxiao", "--home", home.folder,
                files / "acts" / phase / f"{code}.tsv"])
        home.run("sync")
        assert home.json("status")["refused"] == 0

    for number in range(1, 5):
        code = f"{GUSHANZI}-{number:02}"
        school.user(f"head.{number}", "head", code, PASSWORD)
        play(school.home().enrol(code).login(f"head.{number}", PASSWORD), "1-heads", code)
    play(admin, "2-schools", GUSHANZI)
    play(city, "3-city", "340100")
    kinds = dict(school.cluster.sql("select kind, count(*) from fact where kind in (6, 7, 8, 11, 12, 13) group by 1"))
    assert kinds == {"6": "22", "7": "18", "8": "4", "11": "6", "12": "4", "13": "2"}


def changed_roster(files, tmp_path, code, name, change):
    """A copy of a school's roster in which `change` has edited the row of the person."""
    people = roster(files, code)
    for person in people:
        if person["姓名"] == name:
            change(person)
    file = tmp_path / f"{code}-changed.csv"
    with open(file, "w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, people[0].keys())
        writer.writeheader()
        writer.writerows(people)
    return file


def test_a_row_changed_meanwhile_is_refused_with_its_version(school, files, tmp_path):
    first, second = school.homes_of[GUSHANZI]
    for home in (first, second):
        home.run("sync")
        home.run("roster", "import", files / "rosters" / f"{GUSHANZI}.csv", "--apply")
        home.run("sync")
        home.run("sync")
    name = roster(files, GUSHANZI)[5]["姓名"]
    files_of = [changed_roster(files, tmp_path, GUSHANZI, name, lambda person, t=title: person.update(职称=t)).rename(
        tmp_path / f"{number}.csv") for number, title in enumerate(("正高级教师", "特级教师"))]
    for home, file in zip((first, second), files_of):
        told = home.json("roster", "import", file, "--apply")
        assert told["counts"]["changed"] == 1, told["counts"]
    first.run("sync")
    second.run("sync", check=False)
    assert school.cluster.sql(f"select title from person where name = '{name}'") == [["正高级教师"]]
    refused = [entry for entry in second.json("outbox", "--all") if entry["state"] == "refused"]
    assert len(refused) == 1
    again = second.json("roster", "import", files_of[1])  # compared with what is there now
    assert again["counts"]["changed"] == 1


def test_a_move_takes_the_evidence_along(school, files, tmp_path):
    home = school.homes_of[BAD_ROWS][0]
    home.run("sync")
    home.run("roster", "import", files / "rosters" / f"{BAD_ROWS}.csv", "--apply")
    home.run("record", "import", files / "evidence" / BAD_ROWS / "self_test.csv")
    home.run("sync")
    person = roster(files, BAD_ROWS)[2]
    file = changed_roster(files, tmp_path, BAD_ROWS, person["姓名"], lambda row: row.update(工作坊=f"{BAD_ROWS}-02"))
    told = home.json("roster", "import", file, "--apply")
    assert told["counts"]["moved"] == 1
    home.run("sync")
    assert home.json("status")["refused"] == 0
    streams = school.cluster.sql("select distinct u.code from person p join fact f on f.subject = p.id join unit u on u.id = f.stream "
                                 f"where p.account = '{person['平台账号']}' union "
                                 "select u.code from person p join unit u on u.id = p.stream "
                                 f"where p.account = '{person['平台账号']}'")
    assert streams == [[f"{BAD_ROWS}-02"]]
    assert home.json("roster", "import", file)["counts"]["same"] == len(roster(files, BAD_ROWS))


@pytest.mark.parametrize("language, lang", [("en", "C.UTF-8"), ("zh", "zh_CN.UTF-8")])
@pytest.mark.parametrize("page", ["record-import", "roster-import"])
def test_what_a_person_reads(school, files, tmp_path, language, lang, page):
    """The second device of the school, which imports nothing for good: the roster is there, one teacher moves."""
    home = school.homes_of[BAD_ROWS][1]
    home.run("sync")
    home.run("roster", "import", files / "rosters" / f"{BAD_ROWS}.csv", "--apply")
    home.run("sync")
    if page == "record-import":
        home.run("record", "import", files / "evidence" / BAD_ROWS / "courses-bad-rows.csv", check=False)  # now all is known
        words = ["record", "import", files / "evidence" / BAD_ROWS / "courses-bad-rows.csv"]
    else:
        name = roster(files, BAD_ROWS)[3]["姓名"]
        words = ["roster", "import", changed_roster(files, tmp_path, BAD_ROWS, name,
                                                    lambda row: row.update(工作坊=f"{BAD_ROWS}-03"))]
    result = home.run(*words, check=False, lang=lang)
    text = re.sub(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(?=[)）])", "NOW", f"{result.stdout}{result.stderr}exit code {result.returncode}\n")
    file = GOLDEN / language / f"{page}.txt"
    if os.environ.get("LX_GOLDEN_WRITE"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
