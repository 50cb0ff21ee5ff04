"""The sealed audit chain as an operator and an auditor meet it: keys, exports, verification, its words and exit codes. That every
tampering is found is tests/fault/test_audit_tamper.py."""
import itertools
import json

import behaviour  # noqa: F401  (puts tests/interop on the path)
import lx
import office  # noqa: E402
import peer  # noqa: E402
import pytest
from conftest import found_city

WORKSHOP = "3401030001-01"
DIFFERENT, REFUSED = 4, 1


def wait_for_seals(city: lx.Deployment) -> None:
    lx.wait_until(lambda: city.cluster.sql(
        "select (select count(*) from audit where seal is null) + (select sum(runs) from head) - "
        "(select coalesce(sum(runs), 0) from seal_cursor)") == [["0"]], 60, "everything is sealed")


def push_teacher(city: lx.Deployment, folder) -> None:
    unit = office.unit_id(city, WORKSHOP)
    with office.login(city, folder, "school_admin", "3401030001") as connection:
        person, roster = office.teacher(unit, 1)
        for first, operations in ((1, roster), (3, [office.hours(person, 100), office.hours(person, 250)])):
            group = peer.ledger.PushGroup(stream=unit, first_op_seq=first, operations=[o.SerializeToString() for o in operations])
            answer = connection.call("PUSH", peer.ledger.PushRequest(groups=[group]), peer.ledger.PushReply).groups[0]
            assert answer.verdict == peer.ledger.GROUP_DONE and not answer.refused
    wait_for_seals(city)


@pytest.fixture
def sealed(tmp_path):
    with lx.Deployment(audit_hash="sm3", audit_interval_ms=100) as city:
        push_teacher(found_city(city), tmp_path)
        yield city


def verify(city: lx.Deployment, *words, expected: int = 0) -> str:
    result = city.ctl("audit", "verify", *words, check=False)
    assert result.returncode == expected, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_chain_of_sm3_is_verified_by_key_file_and_hash(sealed, tmp_path):
    city, heads, key = sealed, tmp_path / "heads", sealed.tls / "audit.pub"
    assert "2 facts and 2 roster rows" in verify(city, "--key", key)
    assert city.ctl("audit", "export", heads, "--key", key).stdout == "2 heads\n"
    lines = [line.split() for line in heads.read_text(encoding="ascii").splitlines() if line.startswith("head ")]
    assert [line[1] for line in lines] == ["0", "1"] and {line[3] for line in lines} == {"sm3"}
    told = json.loads(verify(city, "--from", heads, "--json"))
    assert told["findings"] == [] and told["heads"] == 2 and told["runs"] == 2 and told["actions"] >= 5, told
    assert "1 earlier heads" in verify(city, "--head", lines[1][-1], "--key", key)
    assert city.ctl("audit", "export", heads, check=False).returncode == 3, "a file of heads is not written over"


def test_what_is_wrong_is_said_with_its_place(sealed, tmp_path):
    city, heads, key = sealed, tmp_path / "heads", sealed.tls / "audit.pub"
    city.ctl("audit", "export", heads, "--key", key)
    city.server.stop()
    fact = city.cluster.sql("select id from fact order by seq limit 1")[0][0]
    city.cluster.sql(f"update fact set quantity = 999 where id = '{fact}'")
    told = verify(city, "--from", heads, expected=DIFFERENT)
    assert f"fact {fact}: no operation has stored what it says" in told and "its record 1 is missing from the ledger" in told
    assert "2 findings" in told
    city.cluster.sql(f"update fact set quantity = 100 where id = '{fact}'")
    assert "0 findings" in verify(city, "--from", heads)
    city.cluster.sql("delete from seal where district = 1; delete from op_run; update audit set seal = null where district = 1")
    assert "an earlier head names this seal" in verify(city, "--from", heads, expected=DIFFERENT)


def test_keys_and_heads_that_are_not(sealed, tmp_path):
    city = sealed
    city.ctl("audit", "key", tmp_path / "other")
    assert "a key that is not known" in verify(city, "--key", tmp_path / "other/audit.pub", expected=DIFFERENT)
    assert "no public key" in verify(city, expected=REFUSED)
    assert "not a hash" in verify(city, "--key", city.tls / "audit.pub", "--head", "beef", expected=REFUSED)
    assert "is in no chain" in verify(city, "--key", city.tls / "audit.pub", "--head", "ab" * 32, expected=DIFFERENT)
    (tmp_path / "text").write_text("hello\n", encoding="ascii")
    assert "not a file of heads" in verify(city, "--from", tmp_path / "text", expected=REFUSED)


def test_what_waits_for_its_seal_is_no_finding_for_a_minute(sealed):
    city, key = sealed, sealed.tls / "audit.pub"
    city.server.stop()
    city.ctl("code", "issue", WORKSHOP)
    assert "1 rows not yet sealed" in verify(city, "--key", key)
    city.cluster.sql("update audit set at = at - interval '2 minutes' where seal is null")
    assert "it has not been sealed for" in verify(city, "--key", key, expected=DIFFERENT)


def test_rows_from_before_content_hashes_are_counted(sealed):
    """A database that was filled before migration 0013: its runs are sealed, what they stored is not covered."""
    city = sealed
    city.server.stop()
    city.cluster.sql("update op_run set contents = null, changes = null; delete from seal; delete from seal_cursor; "
                     "update audit set seal = null")
    city.server.start()
    wait_for_seals(city)
    assert "4 rows from before content hashes" in verify(city, "--key", city.tls / "audit.pub")


def test_clients_keep_heads_as_witnesses(sealed, tmp_path):
    """What an office has pushed brings it the newest seal; its file convicts a database that was rolled back."""
    city, heads = sealed, tmp_path / "heads"
    home = behaviour.office(city, "school_admin", behaviour.SCHOOL)
    assert home.json("status")["audit_heads"] == 0
    topics = itertools.count(1)

    def push() -> None:
        home.run("record", "add", "discussion", behaviour.SCHOOL, "--item", f"x{next(topics)}", "--at", "2021-07-01 09:30")
        home.run("sync")

    def newest() -> int:
        """The number of the head that the home writes out."""
        heads.unlink(missing_ok=True)
        assert "Audit heads written: 1" in home.run("audit", "export", heads).stdout
        return int(heads.read_text(encoding="ascii").splitlines()[1].split()[2])

    def has_grown() -> bool:
        """More seals than the chain that begins anew will have at first, as the worker reads them: once a second."""
        push()
        wait_for_seals(city)
        return home.json("status")["audit_heads"] == 1 and newest() > 5

    lx.wait_until(has_grown, 60, "the home has a head of a grown chain")
    assert not home.json("status")["audit_went_back"]
    assert home.run("audit", "export", heads, check=False).returncode != 0, "not written over"
    number = newest()
    wait_for_seals(city)
    assert "1 earlier heads" in verify(city, "--from", heads, "--key", city.tls / "audit.pub")
    # the chain begins anew, behind what the home has seen
    city.server.stop()
    city.cluster.sql(f"delete from seal where district = 1 and number >= {number}")
    assert f"seal {number}: an earlier head names this seal" in verify(
        city, "--from", heads, "--key", city.tls / "audit.pub", expected=DIFFERENT)
    city.cluster.sql("delete from seal where district = 1; delete from seal_cursor where district = 1; update audit set seal = null")
    city.server.start()
    wait_for_seals(city)
    # and grows no more: else it may have come as far as the home has seen before a push brings the first of its heads
    city.server.stop()
    city.server.settings["audit_interval_ms"] = 3600000
    city.server.start()
    assert int(city.cluster.sql("select max(number) from seal where district = 1")[0][0]) < number

    def went_back() -> bool:
        """A head comes with a push, when the worker has read it."""
        push()
        return home.json("status")["audit_went_back"]

    lx.wait_until(went_back, 30, "the home sees that the chain has gone back")
    assert "gone back" in home.run("status").stdout


def test_a_database_from_before_rows_were_audited_is_taken_over_as_it_stands(tmp_path):
    """Rights, units and accounts of before migration 0019 have no action; migrate notes them, and what is sealed stays good."""
    tables = ["unit", "programme", "scheme", "role_capability", "role_grant", "device", "account"]
    with lx.Deployment(audit_interval_ms=100) as city:
        city.cluster.sql("; ".join(f"drop trigger audit_note on {table}" for table in tables) + "; delete from audit")
        push_teacher(found_city(city), tmp_path)
        key = city.tls / "audit.pub"
        assert "no action has made it" in verify(city, "--key", key, expected=DIFFERENT)
        city.ctl("migrate")
        wait_for_seals(city)
        assert "0 findings" in verify(city, "--key", key)
        noted = city.cluster.sql("select count(*) from audit where action = 'row'")
        city.ctl("migrate")
        assert city.cluster.sql("select count(*) from audit where action = 'row'") == noted, "once"
        for change in ("update role_grant set until_at = null, role = 5", "delete from device", "update unit set name = name || 'x'"):
            table = change.split()[2 if change.startswith("delete") else 1]
            city.cluster.sql(f"create table kept as table {table}; set session_replication_role = replica; {change}")
            assert f"{table} " in verify(city, "--key", key, expected=DIFFERENT)
            city.cluster.sql(f"set session_replication_role = replica; delete from {table}; insert into {table} table kept; drop table kept")
        assert "0 findings" in verify(city, "--key", key)


def test_an_auditor_verifies_and_changes_nothing(sealed):
    """lianxiaoctl verifies as lianxiao_auditor; the rights of that role are tests/sql/test_catalogue.sql."""
    city = sealed
    city.cluster.sql("alter role lianxiao_assessor nologin; alter role lianxiao_ops nologin")
    assert "0 findings" in verify(city, "--key", city.tls / "audit.pub")
    told = lx.run([lx.ROOT / "deploy/cluster", "psql", city.cluster.folder, "-c",
                   "set role lianxiao_auditor; set default_transaction_read_only = off; update lx.fact set quantity = 1"], check=False)
    assert "permission denied for table fact" in told.stderr
