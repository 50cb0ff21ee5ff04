"""Schools without a network, with real clients: written at one school, carried by another, answered by receipt or by a later sync."""
import shutil
import sqlite3

import behaviour
import lx
import pytest
from behaviour import DONE, PARTLY, REFUSED, SCHOOL, WORKSHOP, Teacher, bring, office

CERTIFIED = 9  # FactKind CERTIFICATION


def offline(home: lx.Home) -> None:
    """From now on the home finds no server."""
    with sqlite3.connect(home.folder / "lianxiao.db") as db:
        db.execute("update config set value = '127.0.0.1:1' where name = 'server'")


def online(home: lx.Home) -> None:
    with sqlite3.connect(home.folder / "lianxiao.db") as db:
        db.execute("update config set value = ? where name = 'server'", (home.deployment.server.address.encode(),))


def certify(home: lx.Home, teacher: Teacher, point: str, credits: str = "1") -> None:
    home.run("record", "add", "certification", teacher.account, "--item", point, "--quantity", credits, "--at", "2021-12-01")


def states(home: lx.Home) -> list[str]:
    return [row["state"] for row in home.json("outbox", "--all")][-3:]


def stored(city, teacher: Teacher) -> int:
    return len(behaviour.facts_about(city, teacher, CERTIFIED))


def school(city, tmp_path) -> tuple[lx.Home, Teacher]:
    """An office that has synced once, with a teacher, and is without a network now."""
    home = office(city, "school_admin", SCHOOL)
    teacher = Teacher(WORKSHOP)
    bring(home, tmp_path, [teacher])
    home.run("sync")
    offline(home)
    return home, teacher


def lose_answer(home: lx.Home, entry: int) -> None:
    """As if the answer that says it is stored had not come."""
    with sqlite3.connect(home.folder / "lianxiao.db") as db:
        db.execute("update outbox set state = 1, acked_ms = 0, ack_seq = 0, shown = 1 where id = ?", (entry,))


def test_a_term_without_network(behaving, tmp_path):
    home, teacher = school(behaving, tmp_path)
    carrier = office(behaving, "head", behaviour.FOREIGN_WORKSHOP)
    first, second, receipt = tmp_path / "first.lxb", tmp_path / "second.lxb", tmp_path / "receipt.lxb"
    assert home.json("bundle", "write", first)["operations"] == 0 and not first.exists()
    certify(home, teacher, "A1")
    certify(home, teacher, "A2")
    assert home.json("bundle", "write", first) == {"files": [str(first)], "operations": 2, "left": 0}
    assert states(home)[-2:] == ["bundled", "bundled"]
    assert home.run("bundle", "write", first, check=False).returncode == 1, "nothing is overwritten"
    certify(home, teacher, "A3")
    home.run("bundle", "write", second)  # has the first two once more: nobody has answered yet
    # what the carrier can see
    seen = carrier.json("bundle", "show", first)
    assert (seen["kind"], seen["ours"], seen["mine"]) == ("bundle", True, False)
    assert home.json("bundle", "show", second)["operations"] == 3
    for secret in (teacher.name, teacher.account, SCHOOL):
        assert secret.encode() not in first.read_bytes()
    told = carrier.json("bundle", "carry", second, "--receipt", receipt)
    assert (told["operations"], told["answered"], told["refused"]) == (3, 3, 0)
    assert stored(behaving, teacher) == 3
    again = carrier.json("bundle", "carry", first)
    assert again["parts_repeated"] == again["parts"] == 1
    # the receipt comes home
    assert home.json("bundle", "receipt", receipt) == {"stored": 3, "refused": 0, "missing": 0, "held": 0}
    assert states(home) == ["stored"] * 3
    assert home.json("bundle", "receipt", receipt)["stored"] == 0, "twice is harmless"
    assert "no file" in home.run("bundle", "write", tmp_path / "nothing.lxb").stdout
    online(home)
    home.run("sync")
    assert stored(behaving, teacher) == 3 and behaviour.waits_here(home) == 0


def test_a_receipt_of_a_lost_history_answers_nothing(behaving, tmp_path):
    home, teacher = school(behaving, tmp_path)
    carrier = office(behaving, "head", behaviour.FOREIGN_WORKSHOP)
    file, receipt = tmp_path / "term.lxb", tmp_path / "receipt.lxb"
    certify(home, teacher, "A1")
    home.run("bundle", "write", file)
    carrier.run("bundle", "carry", file, "--receipt", receipt)
    with sqlite3.connect(home.folder / "lianxiao.db") as db:  # as if a restored server had answered since
        db.execute("update config set value = cast((cast(value as text) + 3600000) as blob) where name = 'epoch_since_ms'")
    told = home.run("bundle", "receipt", receipt, "--json", check=False)
    assert told.returncode == PARTLY and '"missing":1' in told.stdout.replace(" ", ""), told
    assert states(home)[-1] == "bundled"
    online(home)
    assert home.json("sync")["sent"] == 1


def test_without_a_receipt_the_next_sync_answers(behaving, tmp_path):
    home, teacher = school(behaving, tmp_path)
    carrier = office(behaving, "inspector", behaviour.OTHER_DISTRICT)
    certify(home, teacher, "A1")
    file = tmp_path / "term.lxb"
    home.run("bundle", "write", file)
    assert carrier.json("bundle", "carry", file)["answered"] == 1
    certify(home, teacher, "A2")
    online(home)
    assert home.json("sync")["refused"] == 0
    assert states(home)[-2:] == ["stored", "stored"] and stored(behaving, teacher) == 2
    late = carrier.json("bundle", "carry", file)
    assert late["parts_repeated"] == 1 and stored(behaving, teacher) == 2


def test_an_earlier_file_is_asked_for(behaving, tmp_path):
    home, teacher = school(behaving, tmp_path)
    carrier = office(behaving, "head", behaviour.FOREIGN_WORKSHOP)
    first, second, receipt = tmp_path / "first.lxb", tmp_path / "second.lxb", tmp_path / "receipt.lxb"
    certify(home, teacher, "A1")
    home.run("bundle", "write", first)
    with sqlite3.connect(home.folder / "lianxiao.db") as db:  # as if a receipt had come that is not the server's last word
        db.execute("update outbox set state = 2 where state = 1")
    certify(home, teacher, "A2")
    home.run("bundle", "write", second)
    early = carrier.run("bundle", "carry", second, check=False)
    assert early.returncode == PARTLY and "earlier file" in early.stderr and stored(behaving, teacher) == 0
    assert carrier.run("bundle", "carry", first, second, check=False).returncode == DONE
    assert stored(behaving, teacher) == 2
    carrier.run("bundle", "carry", second, "--receipt", receipt)
    assert home.json("bundle", "receipt", receipt)["stored"] == 1


def test_damaged_files_are_told_without_a_network(behaving, tmp_path):
    home, teacher = school(behaving, tmp_path)
    carrier = office(behaving, "head", behaviour.FOREIGN_WORKSHOP)
    offline(carrier)
    certify(home, teacher, "A1")
    file, bad, receipt = tmp_path / "term.lxb", tmp_path / "bad.lxb", tmp_path / "receipt.lxb"
    home.run("bundle", "write", file)
    whole = file.read_bytes()
    for data, word in ((whole[:-1], "incomplete"), (whole[:40], "incomplete"), (whole[:99] + b"!" + whole[100:], "damaged"),
                       (b"", "incomplete"), (b"PK\3\4" + whole, "no bundle")):
        bad.write_bytes(data)
        told = carrier.run("bundle", "carry", bad, check=False)
        assert told.returncode == REFUSED and word in told.stderr, told.stderr
    bad.write_bytes(whole[:-1])
    assert "不完整" in carrier.run("bundle", "show", bad, check=False, lang=behaviour.CHINESE).stderr
    assert home.run("bundle", "receipt", file, check=False).returncode == REFUSED
    online(carrier)
    carrier.run("bundle", "carry", file, "--receipt", receipt)
    other = carrier.run("bundle", "receipt", receipt, check=False)
    assert other.returncode == REFUSED and "did not write" in other.stderr
    assert carrier.run("bundle", "carry", receipt, check=False).returncode == REFUSED
    assert home.json("bundle", "receipt", receipt)["stored"] == 1


def test_a_cloned_home_is_frozen_and_enrols_anew(behaving, tmp_path):
    home, teacher = school(behaving, tmp_path)
    carrier = office(behaving, "head", behaviour.FOREIGN_WORKSHOP)
    shutil.copytree(home.folder, tmp_path / "clone")
    clone = lx.Home(tmp_path / "clone", behaving)
    one, two, receipt = tmp_path / "one.lxb", tmp_path / "two.lxb", tmp_path / "receipt.lxb"
    certify(home, teacher, "A1")
    home.run("bundle", "write", one)
    certify(clone, teacher, "A2")
    clone.run("bundle", "write", two)
    assert carrier.json("bundle", "carry", one)["answered"] == 1
    frozen = carrier.run("bundle", "carry", two, "--receipt", receipt, check=False)
    assert frozen.returncode == PARTLY and stored(behaving, teacher) == 1
    told = clone.run("bundle", "receipt", receipt, check=False)
    assert told.returncode == PARTLY
    assert "two copies" in clone.run("outbox").stdout
    assert carrier.run("bundle", "carry", one, check=False).returncode == REFUSED


def take_role(behaving, home, taken: bool) -> None:
    """The home's account loses its roles for cause, or has them again."""
    with sqlite3.connect(home.folder / "lianxiao.db") as db:
        person = db.execute("select value from config where name = 'person'").fetchone()[0].hex()
    behaving.cluster.sql(f"update role_grant set revoked_at = {'now()' if taken else 'null'}, for_cause = {taken} where person = '{person}'")


def test_a_bundle_keeps_its_numbers(behaving, tmp_path):
    """The network refuses the stream while the bundle travels: nothing else may be sent under its numbers."""
    home, teacher = school(behaving, tmp_path)
    certify(home, teacher, "A1")
    home.run("bundle", "write", tmp_path / "term.lxb")
    with sqlite3.connect(home.folder / "lianxiao.db") as db:
        before = db.execute("select stream, op_seq from outbox where state = 1").fetchall()
    take_role(behaving, home, True)
    online(home)
    home.run("sync", check=False)
    with sqlite3.connect(home.folder / "lianxiao.db") as db:
        assert db.execute("select stream, op_seq from outbox where state = 1").fetchall() == before


def test_a_receipt_that_holds_says_nothing_of_what_came_after(behaving, tmp_path):
    """Its stream was under way when the bundle came. What was sent since may be stored, though its answer was lost: under its number goes nothing else, or the home would be taken for a copy."""
    home, teacher = school(behaving, tmp_path)
    carrier = office(behaving, "head", behaviour.FOREIGN_WORKSHOP)
    file, receipt = tmp_path / "term.lxb", tmp_path / "receipt.lxb"
    certify(home, teacher, "A1")
    home.run("bundle", "write", file)
    with sqlite3.connect(home.folder / "lianxiao.db") as db:
        stream = db.execute("select stream from outbox where state = 1").fetchone()[0].hex()
    behaving.cluster.sql(f"update head set moving = true where stream = '{stream}'")
    assert carrier.run("bundle", "carry", file, "--receipt", receipt, check=False).returncode == PARTLY
    behaving.cluster.sql(f"update head set moving = false where stream = '{stream}'")
    online(home)
    certify(home, teacher, "A2")
    home.run("sync")
    last = home.json("outbox", "--all")[-1]["id"]
    lose_answer(home, last)
    told = home.run("bundle", "receipt", receipt, "--json", check=False)
    assert told.returncode == PARTLY and '"held":1' in told.stdout.replace(" ", ""), told
    assert home.run("outbox", "drop", last, check=False).returncode == REFUSED, "the server may have it"
    certify(home, teacher, "A3")
    home.run("sync")
    assert states(home) == ["stored"] * 3 and stored(behaving, teacher) == 3


@pytest.mark.parametrize("lost", [True, False])
def test_a_stream_out_of_scope_keeps_the_numbers_of_what_may_be_stored(behaving, tmp_path, lost):
    """A role is taken away and given back: the server refuses such a stream without a look at what it has of it, and the last answer may have been lost."""
    home, teacher = school(behaving, tmp_path)
    online(home)
    certify(home, teacher, "A1")
    last = home.json("outbox", "--all")[-1]["id"]
    if lost:
        home.run("sync")
        lose_answer(home, last)
    take_role(behaving, home, True)
    assert home.run("sync", check=False).returncode == PARTLY
    assert home.run("outbox", "drop", last, check=False).returncode == (REFUSED if lost else DONE)
    take_role(behaving, home, False)
    home.run("sync")
    certify(home, teacher, "A2")
    home.run("sync")
    assert states(home)[-2:] == ["stored" if lost else "archived", "stored"] and stored(behaving, teacher) == 1 + lost
