"""Backups restore: every operation acknowledged before the moment is there, those after it come back from the homes at their
next sync, nobody who was revoked after it gets in again; and the security journal says so when it was tampered with."""
import random
import shutil
import signal

import pytest

import drill
import lx

OTHER = "another-horse-2"


@pytest.fixture
def city():
    with drill.open_city() as deployment:
        drill.furnish(deployment)
        yield deployment


def refused(home: lx.Home) -> str:
    result = home.run("sync", check=False)
    assert result.returncode != 0
    return result.stderr


def revoke_device(city, home: lx.Home) -> None:
    person = home.json("status")["account"]
    device = city.cluster.sql(f"select encode(s.device, 'hex') from session s join account a using (person) where a.account = '{person}'")
    city.ctl("device", "revoke", device[0][0])


def reset_password(city, account: str, password: str) -> None:
    file = city.folder / "password"
    file.write_text(password + "\n", encoding="utf-8")
    city.ctl("user", "reset", account, "--password-file", file)


class Circle:
    """People whose rights change after the backup."""

    def __init__(self, drilling: drill.Drill):
        self.city = drilling.city
        self.revoked = drilling.member("revoked", "3401030002")
        self.thief = drilling.member("thief", "3401030002")
        self.disabled = drilling.member("disabled", "3401030002")
        self.changed = drilling.member("changed", "3401030002")
        self.drilling = drilling
        self.new = None

    def change_rights(self) -> list:
        """What is done between the moments."""
        return [lambda: drill.revoke_grant(self.city, "revoked"), lambda: revoke_device(self.city, self.thief),
                lambda: self.city.ctl("user", "disable", "disabled"), lambda: reset_password(self.city, "changed", OTHER), self.come]

    def come(self) -> None:
        self.new = self.drilling.member("new", "3401040002")
        self.new.run("record", "add", "discussion", "3401040002", "--item", "new", "--at", "2021-07-01")
        self.new.run("sync")
        self.drilling.acknowledged.add("new")
        self.drilling.homes.append(self.new)

    def check(self) -> None:
        """All of it holds again."""
        self.revoked.run("sync", check=False)
        assert self.revoked.json("status")["grants"] == []
        refused(self.thief)
        refused(self.disabled)
        login = ["login", "changed"]
        assert self.changed.run(*login, stdin=drill.PASSWORD + "\n", check=False).returncode != 0
        self.changed.run(*login, stdin=OTHER + "\n")
        assert self.disabled.run("login", "disabled", stdin=drill.PASSWORD + "\n", check=False).returncode != 0


def recovering(home: lx.Home) -> bool:
    return "restored from a backup" in refused(home)


def check_journals(drilling: drill.Drill) -> None:
    """The database stays closed for a journal that was changed, cut or is missing; a torn end is none of these."""
    city = drilling.city
    whole = city.journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    last = int(city.cluster.sql("select no from security_head")[0][0])
    other = city.folder / "other.journal"
    at = [int(line.split()[2]) for line in lines].index(last)

    def fails(content: bytes, text: str) -> None:
        other.write_bytes(content)
        result = drilling.replay(journal=other, check=False)
        assert result.returncode == 1 and text in result.stderr, result.stderr
        assert city.cluster.sql("select opened_at is null from epoch") == [["t"]]

    changed = bytearray(lines[at + 1])
    changed[-3] ^= 1
    fails(b"".join(lines[:at + 1]) + bytes(changed) + b"".join(lines[at + 2:]), "the journal was changed")
    fails(b"".join(lines[:at] + lines[at + 1:]), "the journal was changed")
    fails(b"".join(lines[at + 2:]), "begins too late")
    fails(b"".join(lines[:at]), "was cut off")
    assert drilling.replay(journal=city.folder / "none", check=False).returncode == 3
    assert city.ctl("journal", "check", other).stdout.startswith("events 1 to")
    other.write_bytes(whole + b"0123")
    assert "never finished" in city.ctl("journal", "check", other).stdout
    assert "replayed" in drilling.replay(journal=other).stdout
    # The server keeps the whole one, which ends as the database now does.


def test_restored_to_moments_of_the_past(city):
    rng = random.Random(7)
    drilling = drill.Drill(city, rng)
    circle = Circle(drilling)
    drilling.record(2)
    drilling.back_up()
    for change in circle.change_rights():
        drilling.record(1)
        drilling.note_moment()
        change()
    drilling.record(1)
    drilling.close_archive()
    before = drilling.epoch()
    chosen = [0, rng.randrange(1, len(drilling.moments))]
    for number, place in enumerate(chosen):
        moment, acknowledged = drilling.moments[place]
        city.server.stop(signal.SIGKILL)
        drilling.set_aside("kill")
        if number == 0:
            drilling.restore(moment)
            city.server.start()
            assert recovering(drilling.homes[0])
            assert drilling.check_before_heal(acknowledged) > 0
            check_journals(drilling)
        else:
            drilling.restore(moment, "--journal", city.journal)
            city.server.start()
            assert drilling.check_before_heal(acknowledged) > 0
        assert drilling.epoch() != before
        before = drilling.epoch()
        lx.wait_until(lambda: drilling.homes[0].run("sync", check=False).returncode == 0, 60, "the server is open")
        drilling.check_healed()
        circle.check()
    city.ctl("journal", "check", city.journal)


def states(home: lx.Home) -> list[str]:
    return [entry["state"] for entry in home.json("outbox", "--all")]


def learns_of_refusals(home: lx.Home) -> None:
    result = home.run("sync", check=False)
    assert result.returncode == 8 and "refused 3," in result.stdout, result.stdout + result.stderr
    assert states(home) == ["refused"] * 3


def copy_comes_first(city, home: lx.Home, folder) -> None:
    """Another copy of the home has the same operations and brings them back."""
    copy = city.home()
    shutil.copytree(folder / "copied", copy.folder)
    learns_of_refusals(copy)


def bundle_comes_first(city, _home: lx.Home, folder) -> None:
    """Somebody carries a bundle that had been carried before."""
    carrier = city.home().enrol("3401040001").login("school2", drill.PASSWORD)
    told = carrier.json("bundle", "carry", folder / "written.lxb")
    assert (told["answered"], told["refused"], told["parts_repeated"]) == (3, 3, 0)


@pytest.mark.parametrize("comes_first", [copy_comes_first, bundle_comes_first])
def test_what_somebody_else_brought_back_and_was_refused(city, tmp_path, comes_first):
    """After a restore the office is revoked again, so what was stored before is refused to whoever brings it back first. A home
    from which nothing is missing any more learns that of everything, in whatever groups it had sent it (seed 30000384)."""
    drilling = drill.Drill(city, random.Random(8))
    home = drilling.member("twice", "3401030002")
    city.ctl("grant", "twice", "inspector", "3401030002")  # goes on seeing what it may no longer write
    lx.wait_until(lambda: home.run("sync") and len(home.json("status")["grants"]) == 2, 60, "the second grant")
    drilling.record(1)
    drilling.back_up()
    drilling.note_moment()
    for item in ("first", "second", "third"):
        home.run("record", "add", "discussion", home.school, "--item", item, "--at", "2021-07-01")
        home.run("bundle", "write", tmp_path / f"{item}.lxb")
    shutil.move(tmp_path / "third.lxb", tmp_path / "written.lxb")
    home.run("sync")
    assert states(home) == ["stored"] * 3 and {"first", "second", "third"} <= set(drilling.items())
    shutil.copytree(home.folder, tmp_path / "copied")
    grant = city.cluster.sql("select g.id from role_grant g join account a using (person) where a.account = 'twice' and g.role = 3")[0][0]
    city.ctl("grant", "revoke", grant, "--for-cause")
    drilling.close_archive()
    city.server.stop(signal.SIGKILL)
    drilling.set_aside("kill")
    drilling.restore(drilling.moments[0][0], "--journal", city.journal)
    city.server.start()
    lx.wait_until(lambda: drilling.homes[0].run("sync", check=False).returncode == 0, 60, "the server is open")
    comes_first(city, home, tmp_path)
    assert states(home) == ["stored"] * 3, "it has heard of nothing yet"
    learns_of_refusals(home)
    assert drilling.items() == sorted(drilling.acknowledged)
    home.run("sync")
    assert home.json("status")["waiting"] == 0


def test_restored_while_the_server_runs(city):
    """Watchers come back by themselves; the server notices on its own and opens when the journal is replayed."""
    drilling = drill.Drill(city, random.Random(3))
    drilling.record(1)
    drilling.back_up()
    drilling.note_moment()
    drilling.record(2)
    drilling.close_archive()
    before = drilling.epoch()
    drill.revoke_grant(city, "school2")
    drilling.set_aside("kill")
    drilling.restore(drilling.moments[0][0])
    lx.wait_until(lambda: drilling.epoch() != before, 60, "a new epoch")
    assert recovering(drilling.homes[0])
    drilling.replay()
    lx.wait_until(lambda: drilling.homes[0].run("sync", check=False).returncode == 0, 60, "the server is open")
    drilling.homes[1].run("sync", check=False)
    assert drilling.homes[1].json("status")["grants"] == []
    assert drilling.homes[1].json("status")["waiting"] == 3  # refused for cause: kept, and told


@pytest.mark.parametrize("journal", [True, False])
def test_units_that_came_later_are_imported_again(journal):
    """Units are in no journal: their file gives them the same ids again, so what was recorded there finds its place."""
    with drill.open_city(**({} if journal else {"security_journal": ""})) as city:
        city.journal = city.journal if journal else ""
        drill.furnish(city)
        drilling = drill.Drill(city, random.Random(6))
        drilling.back_up()
        drilling.note_moment()
        units = city.folder / "later.csv"
        units.write_text("code,name,level,parent,district\n3401040009,later,school,340104,2\n", encoding="utf-8")
        city.ctl("unit", "import", units)
        if journal:
            drilling.homes.append(drilling.member("later", "3401040009"))
        else:  # whose account is not lost
            home = drilling.homes[1]
            city.ctl("grant", "school2", "school_admin", "3401040009")
            lx.wait_until(lambda: home.run("sync") and len(home.json("status")["grants"]) == 2, 60, "the second grant")
            home.school = "3401040009"
        drilling.record(2)
        drilling.close_archive()
        city.server.stop()
        drilling.set_aside()
        drilling.restore(drilling.moments[0][0])
        city.server.start()
        if journal:
            result = drilling.replay(check=False)
            assert result.returncode == 1 and "import the units again" in result.stderr
            city.ctl("unit", "import", units)
            drilling.replay()
        else:
            city.ctl("unit", "import", units)
            city.ctl("epoch", "accept")
            city.ctl("grant", "school2", "school_admin", "3401040009")
        lx.wait_until(lambda: all(home.run("sync", check=False).returncode == 0 for home in drilling.homes), 60, "the server is open")
        drilling.check_healed()


def test_without_a_journal_an_operator_decides():
    with drill.open_city(security_journal="") as city:
        city.journal = ""
        drill.furnish(city)
        assert "security_journal is not set" in city.server.tail()
        drilling = drill.Drill(city, random.Random(5))
        drilling.record(1)
        drilling.back_up()
        drilling.note_moment()
        drilling.record(1)
        drilling.close_archive()
        city.server.stop()
        drilling.set_aside()
        drilling.restore(drilling.moments[0][0])
        city.server.start()
        assert recovering(drilling.homes[0])
        assert "revoked" in city.ctl("epoch", "accept").stdout
        lx.wait_until(lambda: drilling.homes[0].run("sync", check=False).returncode == 0, 60, "the server is open")
        drilling.check_healed()


def test_old_copy_of_the_folder(city):
    """The same cluster and timeline, only older: the journal knows; and the homes heal it in any case."""
    drilling = drill.Drill(city, random.Random(9))
    drilling.record(1)
    pg, copy = city.cluster.folder, city.folder / "pg-copy"
    city.server.stop()
    city.cluster.stop()
    shutil.copytree(pg / "data", copy)
    lx.run(["chown", "-R", f"--reference={pg / 'data'}", copy])
    city.cluster.start()
    city.server.start()
    drilling.record(2)
    drill.revoke_grant(city, "school2")
    city.server.stop()
    city.cluster.stop()
    shutil.rmtree(pg / "data")
    copy.rename(pg / "data")
    city.cluster.start()
    city.server.start()
    assert recovering(drilling.homes[0])
    drilling.replay()
    lx.wait_until(lambda: drilling.homes[0].run("sync", check=False).returncode == 0, 60, "the server is open")
    there = set(drilling.items())
    assert {entry["state"] for entry in drilling.homes[0].json("outbox", "--all")} == {"stored"}
    drilling.homes[1].run("sync", check=False)
    assert drilling.homes[1].json("status")["grants"] == []
    assert len(there) == len(drilling.acknowledged) - 2  # those of the revoked one, which only his home has
    assert drilling.homes[1].json("status")["waiting"] == 3


def test_answers_wait_for_the_journal(city):
    """What the journal can't take is not acknowledged. (And a crash is no restore.)"""
    drilling = drill.Drill(city, random.Random(2))
    home = drilling.homes[0]
    before = drilling.epoch()
    lx.run([lx.ROOT / "deploy/cluster", "kill", city.cluster.folder])
    city.cluster.start()
    lx.wait_until(lambda: home.run("sync", check=False).returncode == 0, 60, "the server is back")
    assert drilling.epoch() == before
    kept = city.journal.rename(city.folder / "aside")
    city.journal.mkdir()  # nothing can be appended to a folder
    assert "cannot note this safely" in home.run("login", "school1", stdin=drill.PASSWORD + "\n", check=False).stderr
    home.run("record", "add", "discussion", home.school, "--item", "later", "--at", "2021-07-01")
    city.journal.rmdir()
    kept.rename(city.journal)
    home.run("login", "school1", stdin=drill.PASSWORD + "\n")
    home.run("sync")
    last = int(city.journal.read_bytes().splitlines()[-1].split()[2])
    assert last == int(city.cluster.sql("select no from security_head")[0][0])
    assert city.journal.stat().st_mode & 0o777 == 0o600
    assert drill.PASSWORD.encode() not in city.journal.read_bytes()
