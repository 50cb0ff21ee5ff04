"""The security journal over a long time: what it has not yet is kept for it, what it has is forgotten after 35 days. And what an operator is told whose
restored database cannot be opened with it: which line, and what to do."""
import contextlib

import lx
from conftest import found_city

PASSWORD = "correct-horse-1"


def events(city: lx.Deployment, column: str) -> int:
    return int(city.cluster.sql(f"select {column} from security_event")[0][0])


def years_pass(city: lx.Deployment, journaled: int = 0) -> None:
    """All events are old; the hashes of those that the journal has not yet are made of the new times, as if it had been so."""
    city.cluster.sql(f"""
        do $$
        declare e lx.security_event; begin
          update lx.security_event set at_ms = at_ms - 800::int8 * 24 * 3600 * 1000;
          for e in select * from lx.security_event where no > {journaled} order by no loop
            update lx.security_event set hash = lx.security_hash(coalesce((select hash from lx.security_event where no = e.no - 1), sha256('')), e.no, e.at_ms, e.what, e.body)
            where no = e.no;
          end loop;
          update lx.security_head set hash = (select hash from lx.security_event order by no desc limit 1);
        end $$""")


@contextlib.contextmanager
def journal_is_away(city: lx.Deployment):
    """What operators do meanwhile is done; the journal has it not."""
    there, city.journal = city.journal, ""
    yield
    city.journal = there


def test_a_journal_that_was_behind_for_longer_than_events_are_kept(deployment):
    """Its disk fails, or the server dies between a change and its line; then come the holidays, and the first one back is an operator."""
    deployment.user("boss", "school_admin", "3401030002", PASSWORD)
    home = deployment.home().enrol("3401030002").login("boss", PASSWORD)
    deployment.server.stop()
    journaled = events(deployment, "max(no)")
    with journal_is_away(deployment):
        deployment.user("other", "school_admin", "3401030002", PASSWORD)
    years_pass(deployment, journaled)
    file = deployment.folder / "password"
    deployment.ctl("user", "reset", "other", "--password-file", file)
    last = events(deployment, "max(no)")
    assert deployment.ctl("journal", "check", deployment.journal).stdout == f"events 1 to {last}\n"

    deployment.server.start()
    home.login("boss", PASSWORD)  # is acknowledged only when the journal has it
    assert events(deployment, "max(no)") > last
    assert lx.wait_until(lambda: events(deployment, "min(no)") > 1, 60, "what the journal has is forgotten")
    assert deployment.ctl("journal", "check", deployment.journal).stdout == f"events 1 to {events(deployment, 'max(no)')}\n"


def test_without_a_journal_age_alone_counts():
    with lx.Deployment(security_journal="") as city:
        with journal_is_away(city):
            found_city(city)
            for account in ("boss", "other"):
                city.user(account, "school_admin", "3401030002", PASSWORD)
            years_pass(city)
            city.server.stop()
            city.server.start()
            lx.wait_until(lambda: events(city, "count(*)") == 1, 60, "the assessor forgets them")


# ---- a restored database that does not open at once ----

def is_open(city: lx.Deployment) -> bool:
    return city.cluster.sql("select opened_at is not null from epoch") == [["t"]]


def comes_back(city: lx.Deployment, no: int, how: str = "") -> None:
    """What a restore does: the rows of the moment of that event, and another timeline."""
    city.server.stop()
    city.cluster.sql(f"""
        begin; set local session_replication_role = replica; {how};
        delete from lx.security_event where no > {no};
        update lx.security_head set no = {no}, hash = (select hash from lx.security_event where no = {no});
        update lx.epoch set timeline = timeline + 1; commit""")


def refuses(city: lx.Deployment, journal, *words: str, options: tuple = ()) -> None:
    result = city.ctl("journal", "replay", journal, *options, check=False)
    assert result.returncode == 1 and all(word in result.stderr for word in words), result.stderr
    assert not is_open(city)


def revokes_boss(city: lx.Deployment) -> str:
    """Returns the SQL that gives it back."""
    grant = city.cluster.sql("select g.id from role_grant g join account a using (person) where a.account = 'boss'")[0][0]
    city.ctl("grant", "revoke", grant)
    return f"update lx.role_grant set revoked_at = null where id = '{grant}'"


def boss_is_revoked(city: lx.Deployment) -> bool:
    return city.cluster.sql("select revoked_at is not null from role_grant g join account a using (person) where a.account = 'boss'") == [["t"]]


def test_the_database_has_more_than_its_journal(deployment):
    """The server died between a change and its line, and that is the moment that was restored."""
    deployment.user("boss", "school_admin", "3401030002", PASSWORD)
    deployment.server.stop()
    journaled = int(deployment.journal.read_bytes().splitlines()[-1].split()[2])
    with journal_is_away(deployment):
        deployment.user("other", "school_admin", "3401030002", PASSWORD)
    last = events(deployment, "max(no)")
    comes_back(deployment, last)
    refuses(deployment, deployment.journal, f"ends with event {journaled}", "--incomplete", f"not in it: event {journaled + 1}, ")
    city_of_others, empty = deployment.folder / "other.journal", deployment.folder / "empty.journal"
    with lx.Deployment() as other:
        found_city(other)
        other.user("boss", "school_admin", "3401030002", PASSWORD)
        city_of_others.write_bytes(other.journal.read_bytes())
    empty.touch()
    for journal in (city_of_others, empty):  # they prove nothing, whatever is said
        refuses(deployment, journal, "lianxiaoctl epoch accept", options=("--incomplete",))
    assert "the database is open" in deployment.ctl("journal", "replay", deployment.journal, "--incomplete").stdout
    assert deployment.ctl("journal", "check", deployment.journal).stdout == f"events 1 to {last}\n", "it goes on"
    deployment.server.start()
    deployment.home().enrol("3401030002").login("other", PASSWORD)


def test_a_unit_that_no_file_has_any_more(deployment):
    """What is about it is left out, by its line; all else is replayed."""
    units = deployment.folder / "later.csv"
    units.write_text("code,name,level,parent,district\n3401040009,later,school,340104,2\n", encoding="utf-8")
    deployment.user("boss", "school_admin", "3401030002", PASSWORD)
    at = events(deployment, "max(no)")
    deployment.ctl("unit", "import", units)
    deployment.ctl("grant", "boss", "expert", "3401040009")
    given = revokes_boss(deployment)
    comes_back(deployment, at, f"delete from lx.role_grant where unit = (select id from lx.unit where code = '3401040009'); delete from lx.unit where code = '3401040009'; {given}")
    where = f"line {at + 1} (event {at + 1}, role_grant)"
    refuses(deployment, deployment.journal, where, "import the units again", "--incomplete")
    assert not boss_is_revoked(deployment)
    result = deployment.ctl("journal", "replay", deployment.journal, "--incomplete")
    assert f"{where} is left out" in result.stderr and "1 lines were left out" in result.stdout, result.stdout + result.stderr
    assert is_open(deployment) and boss_is_revoked(deployment)
    assert deployment.cluster.sql("select count(*) from role_grant") == [["1"]]
    deployment.ctl("user", "disable", "boss")
    assert deployment.ctl("journal", "check", deployment.journal).stdout == f"events 1 to {at + 3}\n", "it goes on"


def test_a_broken_line_that_the_database_needs_not(deployment):
    """It lies before the moment that was restored: what came later proves itself by the database's own last event."""
    deployment.user("boss", "school_admin", "3401030002", PASSWORD)
    at = events(deployment, "max(no)")
    comes_back(deployment, at, revokes_boss(deployment))
    whole = deployment.journal.read_bytes()
    for start in (b"0", b"not a line\n"):
        deployment.journal.write_bytes(start + whole)
        refuses(deployment, deployment.journal, "line 1 is broken", "--incomplete")
        assert not boss_is_revoked(deployment)
    result = deployment.ctl("journal", "replay", deployment.journal, "--incomplete")
    assert result.stdout.startswith(f"1 events replayed up to {at + 1}") and "begin a new security_journal" in result.stdout, result.stdout
    assert boss_is_revoked(deployment)


def test_a_broken_line_among_those_it_needs(deployment):
    """With what is good the database opens; what whole lines behind it have ended is ended."""
    deployment.user("boss", "school_admin", "3401030002", PASSWORD)
    at = events(deployment, "max(no)")
    deployment.user("other", "school_admin", "3401030002", PASSWORD)
    comes_back(deployment, at, f"delete from lx.role_grant g using lx.account a where a.person = g.person and a.account = 'other'; delete from lx.account where account = 'other'; {revokes_boss(deployment)}")
    assert not boss_is_revoked(deployment)
    lines = deployment.journal.read_bytes().splitlines(keepends=True)
    lines[at + 1] = b"0" + lines[at + 1]
    broken = deployment.folder / "broken.journal"
    broken.write_bytes(b"".join(lines))
    refuses(deployment, broken, f"line {at + 2} is broken", "let in again")
    assert not boss_is_revoked(deployment)
    result = deployment.ctl("journal", "replay", broken, "--incomplete")
    assert "begin a new security_journal" in result.stdout
    assert deployment.cluster.sql("select count(*) from account where account = 'other'") == [["1"]]
    assert boss_is_revoked(deployment) and is_open(deployment)
