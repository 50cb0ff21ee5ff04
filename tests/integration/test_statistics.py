"""Statistics and standings through the wire: by every kind of line, paged, true up to a moment, and only in scope."""
import sys
from pathlib import Path

import pytest

import lx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import office  # noqa: E402
import peer  # noqa: E402
from test_assessor import HELPERS, evidence  # noqa: E402
from test_handlers import REASON, error_bytes, refused  # noqa: E402

statistics, ledger = peer.statistics, peer.ledger
WORKSHOPS = ("3401030001-01", "3401030001-02", "3401030002-01", "3401040001-01")
BY = {name: getattr(statistics, f"BY_{name}") for name in ("UNIT", "DISTRICT", "SCHOOL", "WORKSHOP", "INDICATOR", "STAGE")}


@pytest.fixture(scope="module")
def figures():
    """A city with three teachers in each of four workshops and evidence for all of them."""
    from conftest import found_city
    with lx.Deployment() as fresh:
        found_city(fresh)
        sql = fresh.cluster.sql
        sql(HELPERS)
        names = [f"{workshop}/{i}" for workshop in WORKSHOPS for i in range(3)]
        sql("select " + ", ".join(f"t.person('{name}', '{name[:13]}')" for name in names))
        sql("select " + ", ".join(evidence(names)))
        now = sql("select clock_timestamp()")[0][0]
        lx.wait_until(lambda: sql(f"select bool_and(coalesce(complete_through > '{now}', false) and to_rescore = 0) from district_state")
                      [0][0] == "t", 60, "the figures")
        yield fresh


@pytest.fixture(scope="module")
def city_admin(figures, tmp_path_factory):
    with office.login(figures, tmp_path_factory.mktemp("city"), "city_admin", "340100") as connection:
        yield connection


@pytest.fixture(scope="module")
def head(figures, tmp_path_factory):
    with office.login(figures, tmp_path_factory.mktemp("head"), "head", WORKSHOPS[0]) as connection:
        yield connection


def unit(figures, code):
    return office.unit_id(figures, code)


def ask(connection, figures, code, by="UNIT", **more):
    request = statistics.StatisticsRequest(programme=1, unit=unit(figures, code), by=BY[by], **more)
    return connection.call("STATISTICS", request, statistics.StatisticsReply)


def test_each_level_is_the_sum_of_the_one_below(figures, city_admin):
    city = ask(city_admin, figures, "340100").lines[0]
    assert (city.code, city.level, city.teachers) == ("340100", ledger.CITY, 12)
    assert city.points > 0 and city.school_hours == 12 * 3000
    for by, codes in (("DISTRICT", ["340103", "340104"]), ("SCHOOL", ["3401030001", "3401030002", "3401040001", "3401040002"])):
        lines = ask(city_admin, figures, "340100", by).lines
        assert [line.code for line in lines] == codes
        for field in ("teachers", "points", "online_hours", "school_hours", "failed", "passed", "open"):
            assert sum(getattr(line, field) for line in lines) == getattr(city, field), (by, field)
    workshops = ask(city_admin, figures, "3401030001", "WORKSHOP").lines
    school = ask(city_admin, figures, "3401030001").lines[0]
    assert [line.name for line in workshops] == ["语文工作坊", "数学工作坊"]
    assert sum(line.points for line in workshops) == school.points


def test_indicators_and_stages(figures, city_admin):
    reply = ask(city_admin, figures, "340100", "INDICATOR")
    lines = {(line.code, line.role): line for line in reply.lines}
    self_test = lines[("t.self_test", ledger.TEACHER)]
    assert (self_test.subjects, self_test.done, self_test.points) == (12, 12, 12000)
    assert self_test.name == "自测诊断"
    assert ("h.case", ledger.HEAD) in lines and ("a.kickoff", ledger.SCHOOL_ADMIN) in lines
    assert lines[("a.discussions", ledger.SCHOOL_ADMIN)].started == 1
    stages = ask(city_admin, figures, "340103", "STAGE").lines
    assert {line.code for line in stages} >= {"s1", "s2", "s3"}
    assert all(line.name for line in stages)


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
@pytest.mark.parametrize("by", ["SCHOOL", "INDICATOR", "STAGE"])
def test_pages_join_without_loss(figures, city_admin, by, limit):
    """Lines of one code stay together, however many more than the limit they are."""
    whole = ask(city_admin, figures, "340100", by)
    assert not whole.more
    lines, after, more, pages = [], "", True, 0
    while more:
        page = ask(city_admin, figures, "340100", by, after=after, limit=limit)
        lines += page.lines
        after, more, pages = page.lines[-1].code, page.more, pages + 1
    assert pages > 1 or len({line.code for line in whole.lines}) <= limit
    assert [line.SerializeToString() for line in lines] == [line.SerializeToString() for line in whole.lines]


def test_true_up_to_a_moment(figures, city_admin):
    reply = ask(city_admin, figures, "340100")
    assert reply.complete_through_ms > 0 and reply.scheme_version == 1 and reply.to_rescore == 0
    assert len(reply.as_of) == 10
    stream = unit(figures, WORKSHOPS[0])
    at_least = [statistics.AtLeast(stream=stream, seq=1)]
    assert ask(city_admin, figures, "340100", at_least=at_least).covers_at_least
    head = int(figures.cluster.sql(f"select max(head) from head where stream = t.u('{WORKSHOPS[0]}')")[0][0])
    assert not ask(city_admin, figures, "340100", at_least=[statistics.AtLeast(stream=stream, seq=head + 1000)]).covers_at_least
    assert not ask(city_admin, figures, "340100", at_least=[statistics.AtLeast(stream=peer.uuid7(), seq=1)]).covers_at_least
    lx.wait_until(lambda: ask(city_admin, figures, "340100").complete_through_ms > reply.complete_through_ms, 5, "a later watermark")


def test_only_in_scope(figures, head, city_admin):
    assert ask(head, figures, WORKSHOPS[0]).lines[0].teachers == 3
    call = ("STATISTICS", statistics.StatisticsReply)
    answers = set()
    for code in ("340100", "340103", "3401030001", WORKSHOPS[1], WORKSHOPS[3], None):
        request = statistics.StatisticsRequest(programme=1, unit=unit(figures, code) if code else peer.uuid7(), by=BY["UNIT"])
        answers.add(error_bytes(head, call[0], request, call[1]))
    assert len(answers) == 1, "a foreign unit looks like one that does not exist"


def test_wrong_questions(figures, head):
    def reason(**fields):
        fields = {"programme": 1, "unit": unit(figures, WORKSHOPS[0]), "by": BY["UNIT"], **fields}
        return refused(head, "STATISTICS", statistics.StatisticsRequest(**fields), statistics.StatisticsReply)

    assert reason(programme=99) == REASON["programme_unknown"]
    for wrong in ({"unit": b"short"}, {"limit": 0}, {"limit": 1001}, {"by": BY["SCHOOL"]}, {"after": "x" * 200},
                  {"at_least": [statistics.AtLeast(stream=b"?", seq=1)]}):
        assert reason(**wrong) == REASON["field_invalid"], wrong


def test_a_standing_and_its_scope(figures, head):
    def subject(name):
        return bytes.fromhex(figures.cluster.sql(f"select replace(t.id('{name}')::text, '-', '')")[0][0])

    own = head.call("STANDING", statistics.StandingRequest(programme=1, subject=subject(f"{WORKSHOPS[0]}/0")), statistics.StandingReply)
    assert own.standing.points > 0 and own.standing.total == 7000 and len(own.standing.receipt) > 100
    assert own.standing.role == ledger.TEACHER and own.complete_through_ms > 0
    answers = {error_bytes(head, "STANDING", statistics.StandingRequest(programme=1, subject=s), statistics.StandingReply)
               for s in (subject(f"{WORKSHOPS[1]}/0"), unit(figures, "3401030001"), peer.uuid7())}
    assert len(answers) == 1, "a foreign subject looks like one that does not exist"


def test_the_pulled_standing_is_the_same(figures, head):
    stream = unit(figures, WORKSHOPS[0])
    rows, _ = head.pull_all(stream)
    standings = [row.standing for row in rows.values() if row.HasField("standing")]
    assert len(standings) == 4, "three teachers and the workshop itself"
    for standing in standings:
        reply = head.call("STANDING", statistics.StandingRequest(programme=1, subject=standing.subject), statistics.StandingReply)
        assert reply.standing.SerializeToString() == standing.SerializeToString()


def test_a_rebuild_is_equal(figures):
    assert "0 and 0 differ" in figures.ctl("verify").stdout
