"""One district's trouble is that district's: the figures of the others stay true within a second."""
import sys
import time
from pathlib import Path

import lx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import office  # noqa: E402
import peer  # noqa: E402

ledger, statistics = peer.ledger, peer.statistics
GOOD, BAD = "340103", "340104"
WORKSHOPS = {GOOD: "3401030001-01", BAD: "3401040001-01"}


def lag_s(deployment, code: str) -> float:
    return float(deployment.cluster.sql(
        f"""select coalesce(extract(epoch from clock_timestamp() - s.complete_through), 1000)
            from district_state s join unit u on u.district = s.district where u.code = '{code}'""")[0][0])


def test_a_district_that_cannot_be_scored_holds_nobody_up(deployment, tmp_path):
    lx.wait_until(lambda: all(lag_s(deployment, code) < 1 for code in WORKSHOPS), 20, "both districts are true")
    number = deployment.cluster.sql(f"select district from unit where code = '{BAD}'")[0][0]
    deployment.cluster.sql(f"""
        create function lx.poison() returns trigger language plpgsql as $$ begin raise exception 'poison'; end $$;
        create trigger poison before insert or update on lx.standing for each row when (new.district = {number})
        execute function lx.poison()""")
    for code, workshop in WORKSHOPS.items():
        with office.login(deployment, tmp_path, "school_admin", workshop.split("-")[0]) as connection:
            stream = office.unit_id(deployment, workshop)
            _, roster = office.teacher(stream, 72001)
            assert connection.push(stream, 1, roster).verdict == ledger.GROUP_DONE, code
    lx.wait_until(lambda: lag_s(deployment, BAD) > 8, 30, "the one has failed for long")
    worst, until = 0.0, time.monotonic() + 6
    while time.monotonic() < until:
        worst = max(worst, lag_s(deployment, GOOD))
    assert worst < 2, f"the other lagged {worst} s behind"  # one second, and the time of asking
    deployment.cluster.sql("drop trigger poison on lx.standing")
    lx.wait_until(lambda: lag_s(deployment, BAD) < 1, 20, "it is scored after all")
