"""Teachers who go to another district: real clients of both sides, credits kept, figures right, nothing typed lost."""
import behaviour
import lx
import office
import peer
import pytest
from behaviour import (CHINESE, DISTRICT, FOREIGN_SCHOOL, FOREIGN_WORKSHOP, OTHER_DISTRICT, SCHOOL, WORKSHOP, Teacher, bring,
                       figures_are_through, home_of, replica)
from lx import wait_until

REFUSED, UNKNOWN = 3, 4


class Side:
    """The offices of one district, their homes, and what a fresh start of each would hold."""

    def __init__(self, city, district: str, school: str):
        self.city, self.seats = city, {}
        for role, unit in (("district_admin", district), ("school_admin", school)):
            name = behaviour.account(city, role, unit)
            self.seats[role] = name, unit, home_of(city, name, unit)

    @property
    def district(self):
        return self.seats["district_admin"][2]

    @property
    def school(self):
        return self.seats["school_admin"][2]

    def sync(self) -> None:
        for _, _, home in self.seats.values():
            assert home.json("sync")["refused"] == 0

    def equals_a_fresh_start(self) -> None:
        for name, unit, home in self.seats.values():
            fresh = home_of(self.city, name, unit)
            assert replica(fresh) == replica(home) and behaviour.digests(fresh) == behaviour.digests(home), unit


def credits(city, code: str) -> int:
    rows = city.cluster.sql(f"select r.credits from rollup r join unit u on u.id = r.unit where u.code = '{code}' and r.role = 1 and r.item = ''")
    return int(rows[0][0]) if rows else 0


def under_way(home) -> list:
    return home.json("transfer", "list")


def carried(home) -> None:
    """Until the news of a transfer has come to the home."""
    def listed():
        home.run("sync")
        return under_way(home)
    wait_until(listed, 60, "the news is carried")


def nobody_under_way(*homes) -> None:
    for home in homes:
        def empty(home=home):
            home.run("sync")
            return not under_way(home)
        wait_until(empty, 60, "the transfer is over")


def record(home, teacher: Teacher, *words) -> str:
    return home.json("record", "add", words[0], teacher.account, *words[1:])["id"]


def audited(city: lx.Deployment) -> bool:
    """What moves between districts is in the audit of both."""
    return "\n0 findings" in city.ctl("audit", "verify", "--key", city.tls / "audit.pub").stdout


@pytest.fixture(name="sides")
def fixture_sides(deployment):
    return Side(deployment, DISTRICT, SCHOOL), Side(deployment, OTHER_DISTRICT, FOREIGN_SCHOOL)


def test_a_teacher_goes_to_another_district(deployment, sides, tmp_path):
    old, new = sides
    teacher, colleague = Teacher(WORKSHOP), Teacher(WORKSHOP)
    bring(old.school, tmp_path, [teacher, colleague])
    kept = [record(old.school, teacher, "credit_hours", "--item", "school", "--quantity", "6", "--at", "2021-09-01"),
            record(old.school, teacher, "certification", "--item", "A1", "--quantity", "3", "--at", "2021-11-08")]
    record(old.school, colleague, "certification", "--item", "A2", "--quantity", "3", "--at", "2021-11-08")
    export = behaviour.courses(tmp_path, "export.csv", [("r1", teacher, "A1", "2021-09-02 08:00:00", "2021-09-02 09:00:00")])
    old.school.run("record", "import", export)
    kept += [entry["id"] for entry in old.school.json("record", "list", teacher.account) if entry["id"] not in kept]
    old.sync()
    figures_are_through(deployment)
    old.sync()
    before = old.district.json("standing", teacher.account)
    assert credits(deployment, DISTRICT) == 600 and credits(deployment, OTHER_DISTRICT) == 0

    # written away from the network by the school that keeps him, while the district sends him out
    late = record(old.school, teacher, "credit_hours", "--item", "school", "--quantity", "2", "--at", "2021-09-20")
    made = old.district.json("transfer", "out", teacher.account, "--to", OTHER_DISTRICT)
    assert [(row["transfer"], row["side"], row["state"]) for row in under_way(old.district)] == [(made["transfer"], "out", "waiting")]
    assert old.district.json("sync")["refused"] == 0
    told = old.school.run("sync", check=False, lang=CHINESE)
    assert "拒绝 1" in told.stdout, told
    waiting = old.school.run("outbox", lang=CHINESE).stdout
    name = deployment.cluster.sql(f"select name from unit where code = '{OTHER_DISTRICT}'")[0][0]
    assert f"调往{name}" in waiting and "被拒绝" in waiting, "the school is told where he went, and keeps what it wrote"
    assert old.school.run("record", "list", teacher.account, check=False).returncode == UNKNOWN

    # under way: both districts see who, the receiving one nothing else; nobody's figures have him
    carried(new.district)
    assert [(row["name"], row["side"]) for row in under_way(new.district)] == [(teacher.name, "in")]
    assert new.school.json("transfer", "list") == [] and old.school.json("transfer", "list") == []
    assert new.district.run("record", "list", teacher.account, check=False).returncode == UNKNOWN
    figures_are_through(deployment)
    assert (credits(deployment, WORKSHOP), credits(deployment, DISTRICT), credits(deployment, OTHER_DISTRICT)) == (300, 300, 0)
    assert new.school.run("transfer", "in", teacher.name, "--unit", FOREIGN_WORKSHOP, check=False).returncode == UNKNOWN

    assert audited(deployment)

    # in
    assert new.district.run("transfer", "in", teacher.name, "--unit", FOREIGN_WORKSHOP, "--from", "2020-01-01").returncode == 0
    assert new.district.json("sync", check=False)["refused"] == 1, "before he left"
    new.district.run("outbox", "drop", str(new.district.json("outbox")[0]["id"]))
    assert new.district.run("transfer", "in", made["transfer"], "--unit", FOREIGN_WORKSHOP).returncode == 0
    assert new.district.json("sync")["refused"] == 0
    nobody_under_way(old.district, new.district)
    new.sync()
    listed = {entry["id"] for entry in new.school.json("record", "list", teacher.account)}
    assert listed == set(kept), "every record came along, under its id"
    figures_are_through(deployment)
    new.sync()
    after = new.district.json("standing", teacher.account)
    assert (after["points"], after["state"]) == (before["points"], before["state"]), "credits follow the teacher"
    assert (credits(deployment, DISTRICT), credits(deployment, OTHER_DISTRICT), credits(deployment, FOREIGN_WORKSHOP)) == (300, 300, 300)

    # what was refused is written again where he is now; the same file finds what it brought there
    record(new.school, teacher, "credit_hours", "--item", "school", "--quantity", "2", "--at", "2021-09-20")
    new.school.run("record", "import", export)
    assert new.school.json("sync")["refused"] == 0
    assert len(new.school.json("record", "list", teacher.account)) == len(kept) + 1
    [refused] = old.school.json("outbox")
    assert (refused["state"], refused["kind"]) == ("refused", "credit_hours"), "nothing that was typed is lost"
    assert late not in {entry["id"] for entry in new.school.json("record", "list", teacher.account)}
    old.school.run("outbox", "drop", str(refused["id"]))
    old.sync()
    old.equals_a_fresh_start()
    new.sync()
    new.equals_a_fresh_start()
    figures_are_through(deployment)
    assert deployment.ctl("verify").returncode == 0
    assert audited(deployment)


def test_who_is_taken_back_has_never_been_away(deployment, sides, tmp_path):
    old, new = sides
    teacher = Teacher(WORKSHOP)
    bring(old.school, tmp_path, [teacher])
    record(old.school, teacher, "certification", "--item", "A1", "--quantity", "3", "--at", "2021-11-08")
    old.sync()
    away = home_of(deployment, *old.seats["school_admin"][:2])
    record(away, teacher, "certification", "--item", "A2", "--quantity", "1", "--at", "2021-11-08")
    old.district.run("transfer", "out", teacher.account, "--to", OTHER_DISTRICT)
    old.sync()
    carried(new.district)
    assert old.district.run("transfer", "in", teacher.name, "--unit", WORKSHOP).returncode == 0
    # both sides at once: one has him, the other is told
    assert new.district.run("transfer", "in", teacher.name, "--unit", FOREIGN_WORKSHOP).returncode == 0
    assert old.district.json("sync")["refused"] == 0
    new.district.run("sync", check=False)
    assert "已办理调入" in new.district.run("outbox", lang=CHINESE).stdout
    new.district.run("outbox", "drop", str(new.district.json("outbox")[0]["id"]))
    nobody_under_way(old.district, new.district)
    old.sync()
    assert len(old.school.json("record", "list", teacher.account)) == 1
    figures_are_through(deployment)
    assert credits(deployment, WORKSHOP) == 300
    # a home that was away until all tombstones are gone: nothing lost, nobody raised from the dead
    assert int(deployment.cluster.sql("select lx.prune(now())")[0][0]) > 0
    assert away.json("sync")["refused"] == 0
    figures_are_through(deployment)
    away.run("sync")
    for side in sides:
        side.sync()
        side.equals_a_fresh_start()
    assert replica(away) == replica(old.school) and len(away.json("record", "list", teacher.account)) == 2
    figures_are_through(deployment)
    assert deployment.ctl("verify").returncode == 0


def test_who_belonged_nowhere_is_taken_back(deployment, tmp_path):
    """A person whose first membership is that of coming back: his records lie at new places, and the audit knows why."""
    unit = office.unit_id(deployment, WORKSHOP)
    person, (as_person, _) = office.teacher(unit, 1)
    transfer, away = office.send_out(person, office.unit_id(deployment, OTHER_DISTRICT))

    def push(connection, first: int, operation) -> None:
        group = peer.ledger.PushGroup(stream=unit, first_op_seq=first, operations=[operation.SerializeToString()])
        answer = connection.call("PUSH", peer.ledger.PushRequest(groups=[group]), peer.ledger.PushReply).groups[0]
        assert answer.verdict == peer.ledger.GROUP_DONE and not answer.refused, answer

    with office.login(deployment, tmp_path, "school_admin", SCHOOL) as school:
        push(school, 1, as_person)
        push(school, 2, office.hours(person, 100))
    with office.login(deployment, tmp_path, "district_admin", DISTRICT) as district:
        push(district, 1, away)
        push(district, 2, office.take_in(transfer, person, unit))
    figures_are_through(deployment)
    assert deployment.cluster.sql("select count(*) from membership where version = 1") == [["1"]]
    assert audited(deployment)


def test_a_school_sends_nobody_out(deployment, sides, tmp_path):
    old, _ = sides
    teacher = Teacher(WORKSHOP)
    bring(old.school, tmp_path, [teacher])
    refused = old.school.run("transfer", "out", teacher.account, "--to", OTHER_DISTRICT, check=False)
    assert refused.returncode == REFUSED and "transfer" in refused.stderr, refused
    old.district.run("sync")
    refused = old.district.run("transfer", "out", teacher.account, "--to", OTHER_DISTRICT, "--at", "2099-01-01", check=False)
    assert refused.returncode == REFUSED
    assert deployment.cluster.sql("select count(*) from transit_package") == [["0"]]


def test_a_roster_file_takes_in_who_is_under_way(deployment, sides, tmp_path):
    old, new = sides
    teacher, stranger = Teacher(WORKSHOP), Teacher(FOREIGN_WORKSHOP)
    bring(old.school, tmp_path, [teacher])
    record(old.school, teacher, "certification", "--item", "A1", "--quantity", "3", "--at", "2021-11-08")
    old.sync()
    old.district.run("transfer", "out", teacher.account, "--to", OTHER_DISTRICT)
    old.sync()
    carried(new.district)

    # who sent him out and lists him all the same is told
    file = behaviour.write_csv(tmp_path / "old.csv", [teacher.row()])
    told = old.district.json("roster", "import", file, "--apply", check=False)
    assert told["counts"]["bad"] == 1 and told["counts"]["new"] == 0, told
    assert "已从本区县调出" in old.district.run("roster", "import", file, check=False, lang=CHINESE).stdout

    # the other district lists him at one of its workshops, beside somebody new
    here = {**teacher.row(), "学校": FOREIGN_SCHOOL, "工作坊": FOREIGN_WORKSHOP}
    early = behaviour.write_csv(tmp_path / "early.csv", [{**here, "起始日期": "2020-01-01"}])
    told = new.district.json("roster", "import", early, check=False)
    assert told["counts"]["bad"] == 1, "not before he left"
    leaves = behaviour.write_csv(tmp_path / "leaves.csv", [{**here, "离开日期": "2099-01-01"}])
    assert new.district.json("roster", "import", leaves, check=False)["counts"]["bad"] == 1, "nor joins and leaves at once"
    file = behaviour.write_csv(tmp_path / "new.csv", [here, stranger.row()])
    told = new.district.json("roster", "import", file)
    assert (told["counts"]["joined"], told["counts"]["new"], told["counts"]["bad"]) == (1, 1, 0), told
    assert new.district.json("outbox") == [], "nothing before --apply"
    new.district.run("roster", "import", file, "--apply")
    again = new.district.json("roster", "import", file, "--apply")
    assert (again["counts"]["joined"], again["counts"]["new"], again["counts"]["same"]) == (0, 0, 2), "the same file twice takes him in once"
    assert new.district.json("sync")["refused"] == 0
    nobody_under_way(old.district, new.district)
    new.sync()
    assert len(new.school.json("record", "list", teacher.account)) == 1, "with all that he has done"
    assert new.district.json("roster", "import", file)["counts"]["same"] == 2
    people = deployment.cluster.sql(f"select count(*) from person where account = '{teacher.account}' or name = '{teacher.name}'")
    assert people == [["1"]], "and nobody is made twice"
    figures_are_through(deployment)
    for side in sides:
        side.sync()
        side.equals_a_fresh_start()
    assert deployment.ctl("verify").returncode == 0
    assert audited(deployment)
