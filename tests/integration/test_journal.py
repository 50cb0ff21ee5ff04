"""The security journal over a long time: what it has not yet is kept for it, what it has is forgotten after 35 days."""
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
