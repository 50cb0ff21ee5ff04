"""What a client may do to the server by repeating, cutting, overlapping and mixing in nonsense: one result, same answers."""
import csv
import sys
import threading
import time
from pathlib import Path

import lx
import pytest

import behaviour
from behaviour import FOREIGN_WORKSHOP, OTHER_WORKSHOP, SCHOOL, SECOND_WORKSHOP, WORKSHOP

import office  # noqa: E402  (tests/interop, on the path since behaviour)
import peer  # noqa: E402

wire, ledger = peer.wire, peer.ledger
NOW_MS = lambda: int(time.time() * 1000)  # noqa: E731
DAY_MS = 24 * 3600 * 1000
with open(lx.ROOT / "proto/reasons.csv", encoding="utf-8") as reasons_file:
    REASON = {int(row["number"]): row for row in csv.DictReader(line for line in reasons_file if line[0] != "#")}


@pytest.fixture(name="school")
def fixture_school(behaving, tmp_path):
    with office.login(behaving, tmp_path, "school_admin", SCHOOL) as connection:
        yield connection


def next_op(connection, stream: bytes) -> int:
    scope = connection.scope()
    return dict(zip(scope.streams, scope.next_op_seq)).get(stream, 1)


def make_teacher(behaving, connection, workshop: str) -> bytes:
    stream = office.unit_id(behaving, workshop)
    person, roster = office.teacher(stream, next(behaviour.NUMBERS) + 70000)
    answer = connection.push(stream, next_op(connection, stream), roster)
    assert answer.verdict == ledger.GROUP_DONE and not answer.refused, answer
    return person


def encoded(stream: bytes, first: int, operations: list) -> bytes:
    group = ledger.PushGroup(stream=stream, first_op_seq=first, operations=[o.SerializeToString() for o in operations])
    payload = ledger.PushRequest(groups=[group]).SerializeToString()
    return peer.HEADER.pack(len(payload), wire.PUSH, wire.REQUEST, 0, 77) + payload


def stored(behaving, operations: list) -> list[int]:
    """How often each operation's record is in the ledger."""
    counts = dict(behaving.cluster.sql("select replace(id::text, '-', ''), count(*) from fact group by 1"))
    return [int(counts.get(operation.fact.id.hex(), 0)) for operation in operations]


def assert_whole(connection, stream: bytes) -> None:
    rows, reply = connection.pull_all(stream)
    live = [row for row in rows.values() if row.state == ledger.ROW_LIVE]
    digest = 0
    for row in live:
        digest ^= peer.row_digest(row.id, row.version)
    assert (len(live), digest) == (reply.live_count, reply.digest)


# ---- again, cut, overlapping ----


def test_ten_times_the_same_operations(behaving, school):
    stream, person = office.unit_id(behaving, WORKSHOP), make_teacher(behaving, school, WORKSHOP)
    first = next_op(school, stream)
    operations = [office.hours(person, quantity) for quantity in (100, -5, 200)]
    answers = [school.push(stream, first, operations) for _ in range(10)]
    assert [a.verdict for a in answers] == [ledger.GROUP_DONE] + [ledger.GROUP_REPEATED] * 9
    assert len({(a.op_to, tuple(r.SerializeToString() for r in a.refused)) for a in answers}) == 1
    assert stored(behaving, operations) == [1, 0, 1]
    assert_whole(school, stream)


def test_ten_times_at_once_from_ten_connections(behaving, school):
    stream, person = office.unit_id(behaving, WORKSHOP), make_teacher(behaving, school, WORKSHOP)
    first = next_op(school, stream)
    operations = [office.hours(person, quantity) for quantity in (100, -5, 200)]
    connections = [office.reconnect(behaving, school) for _ in range(10)]
    frame = encoded(stream, first, operations)
    for connection in connections:
        connection.socket.sendall(frame)
    answers = [ledger.PushReply.FromString(connection.read_frame()[3]).groups[0] for connection in connections]
    for connection in connections:
        connection.close()
    assert sorted(a.verdict for a in answers) == [ledger.GROUP_DONE] + [ledger.GROUP_REPEATED] * 9
    assert len({tuple(r.SerializeToString() for r in a.refused) for a in answers}) == 1
    assert stored(behaving, operations) == [1, 0, 1]
    assert_whole(school, stream)


@pytest.mark.parametrize("part", [0.3, 0.999, 1])
def test_a_connection_that_ends_in_the_middle_of_a_group(behaving, school, part):
    """Cut inside the frame nothing happened; cut before the reply the repeat tells what happened. Either way: once."""
    stream, person = office.unit_id(behaving, WORKSHOP), make_teacher(behaving, school, WORKSHOP)
    first = next_op(school, stream)
    operations = [office.hours(person, quantity) for quantity in (100, 200, -1, 300)]
    frame = encoded(stream, first, operations)
    for _ in range(3):
        with office.reconnect(behaving, school) as cut:
            cut.socket.sendall(frame[:int(len(frame) * part)])
    if part < 1:
        assert next_op(school, stream) == first and stored(behaving, operations) == [0, 0, 0, 0]
    else:
        lx.wait_until(lambda: next_op(school, stream) == first + 4, 10, "the whole frame is acted upon without its sender")
    answer = school.push(stream, first, operations)
    assert answer.verdict == (ledger.GROUP_DONE if part < 1 else ledger.GROUP_REPEATED)
    assert answer.op_to == first + 3 and [r.op_seq for r in answer.refused] == [first + 2]
    assert stored(behaving, operations) == [1, 1, 0, 1]
    assert_whole(school, stream)


def test_overlapping_groups_from_several_connections(behaving, school):
    """Windows over the same operations, sent at once until all is through: each record once, each refusal the same."""
    stream, person = office.unit_id(behaving, WORKSHOP), make_teacher(behaving, school, WORKSHOP)
    first = next_op(school, stream)
    operations = [office.hours(person, -1 if n % 7 == 3 else 10 + n) for n in range(40)]
    refused, failures = [], []

    def work(step: int):
        try:
            with office.reconnect(behaving, school) as connection:
                at = 0
                while at < len(operations):
                    answer = connection.push(stream, first + max(at - step, 0), operations[max(at - step, 0):at + 5])
                    assert answer.verdict in (ledger.GROUP_DONE, ledger.GROUP_REPEATED), answer
                    refused.extend((r.op_seq - first, r.reason.reason) for r in answer.refused)
                    at += 5
        except Exception as error:  # noqa: BLE001  (the test's thread looks at it)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(step,)) for step in (0, 2, 4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    bad = [n for n in range(40) if n % 7 == 3]
    assert stored(behaving, operations) == [0 if n in bad else 1 for n in range(40)]
    assert sorted({n for n, _ in refused}) == bad and len({reason for _, reason in refused}) == 1
    assert next_op(school, stream) == first + 40
    assert_whole(school, stream)


# ---- nonsense among good records ----


def changed(operation, **fields):
    for name, value in fields.items():
        if value is None:
            operation.fact.ClearField(name)
        else:
            setattr(operation.fact, name, value)
    return operation


def nonsense(person: bytes, others: dict) -> dict:
    """What is wrong with it -> (operation, field, reason)."""
    def hours(**fields):
        return changed(office.hours(person, 100), **fields)

    def watched(**fields):
        start = office.hours(person, 1).fact.occurred_at_ms
        return hours(kind=ledger.COURSE_INTERVAL, item="p01", quantity=None, until_ms=start + 1000, **fields)

    now = NOW_MS()
    return {
        "teacher of another school": (hours(subject=others["second"]), "fact.subject", "subject_unknown"),
        "teacher of another district": (hours(subject=others["foreign"]), "fact.subject", "subject_unknown"),
        "teacher of another workshop of the school": (hours(subject=others["sister"]), "fact.subject", "subject_unknown"),
        "nobody": (hours(subject=peer.uuid7()), "fact.subject", "subject_unknown"),
        "no subject": (hours(subject=None), "fact.subject", "field_missing"),
        "half an id": (hours(subject=person[:8]), "fact.subject", "id_malformed"),
        "unknown programme": (hours(programme=4711), "fact.programme", "programme_unknown"),
        "unknown indicator": (hours(kind=ledger.SELF_TEST, item="t.nonsense", quantity=None), "fact.item", "indicator_unknown"),
        "unknown course": (changed(watched(), item="Z99"), "fact.item", "course_unknown"),
        "unknown kind of hours": (hours(item="weekend"), "fact.item", "hours_kind_unknown"),
        "negative": (hours(quantity=-1), "fact.quantity", "quantity_negative"),
        "most negative": (hours(quantity=-2**63), "fact.quantity", "quantity_negative"),
        "nothing": (hours(quantity=0), "fact.quantity", "quantity_too_small"),
        "a day of 25 hours": (hours(quantity=2500), "fact.quantity", "quantity_too_large"),
        "absurd": (hours(quantity=2**63 - 1), "fact.quantity", "quantity_too_large"),
        "tomorrow": (hours(occurred_at_ms=now + DAY_MS), "fact.occurred_at_ms", "time_in_future"),
        "end of time": (hours(occurred_at_ms=2**63 - 1), "fact.occurred_at_ms", "time_in_future"),
        "before all time": (hours(occurred_at_ms=-2**63), "fact.occurred_at_ms", "time_absurd"),
        "ends tomorrow": (changed(watched(), until_ms=now + DAY_MS), "fact.until_ms", "time_in_future"),
        "ends before it begins": (changed(watched(), until_ms=1_600_000_000_000), "fact.until_ms", "interval_backwards"),
        "before its stage": (hours(occurred_at_ms=1_609_500_000_000), "fact.occurred_at_ms", "outside_stage"),
        "after its stage": (hours(occurred_at_ms=NOW_MS()), "fact.occurred_at_ms", "outside_stage"),
        "the workshop's own duty": (ledger.Operation(fact=ledger.Fact(
            id=peer.uuid7(), programme=1, kind=ledger.SUBMITTED, subject=others["workshop"], item="h.plan",
            occurred_at_ms=office.hours(person, 1).fact.occurred_at_ms),
            submission=ledger.Submission(title="计划", fields=[ledger.TemplateField(key="content", value="…")])),
            "fact", "may_not_write"),
    }


def test_nonsense_is_refused_by_record_and_field_and_the_rest_goes_in(behaving, school, tmp_path):
    stream = office.unit_id(behaving, WORKSHOP)
    person = make_teacher(behaving, school, WORKSHOP)
    others = {"workshop": stream, "sister": make_teacher(behaving, school, OTHER_WORKSHOP)}
    for name, workshop in (("second", SECOND_WORKSHOP), ("foreign", FOREIGN_WORKSHOP)):
        with office.login(behaving, tmp_path, "school_admin", workshop.split("-")[0]) as other:
            others[name] = make_teacher(behaving, other, workshop)
    cases = nonsense(person, others)
    first = next_op(school, stream)
    before = figures(school, stream)
    operations, expected, good = [], {}, []
    for operation, field, reason in cases.values():
        good.append(office.hours(person, 100))
        operations += [good[-1], operation]
        expected[first + len(operations) - 1] = (field, reason)
    answer = school.push(stream, first, operations)
    assert answer.verdict == ledger.GROUP_DONE and answer.op_to == first + len(operations) - 1
    told = {r.op_seq: (r.reason.field, REASON[r.reason.reason]["id"]) for r in answer.refused}
    names = dict(zip(expected, cases))
    assert {names.get(k, k): v for k, v in told.items()} == {names[k]: v for k, v in expected.items()}
    for refusal in answer.refused:  # whoever reads it is told in words, without a placeholder left over
        row = REASON[refusal.reason.reason]
        assert {p.name for p in refusal.reason.parameters} == set(row["parameters"].split()), row
        assert refusal.reason.text and "{" not in refusal.reason.text
    again = school.push(stream, first, operations)
    assert again.verdict == ledger.GROUP_REPEATED and again.refused == answer.refused
    assert stored(behaving, good) == [1] * len(good)
    assert stored(behaving, [operation for operation, _, _ in cases.values()]) == [0] * len(cases)
    assert_whole(school, stream)
    after = figures(school, stream, answer)
    assert after.school_hours - before.school_hours == 100 * len(good), "the good ones are counted, the others are not"


# ---- the figures ----


def figures(connection, unit: bytes, answer=None):
    """The unit's line of the statistics, once it contains what `answer` acknowledged."""
    request = peer.statistics.StatisticsRequest(programme=1, unit=unit, by=peer.statistics.BY_UNIT)
    if answer is not None:
        request.at_least.add(stream=answer.stream, seq=answer.seq)

    def covered():
        reply = connection.call("STATISTICS", request, peer.statistics.StatisticsReply)
        return reply if answer is None or reply.covers_at_least else None

    return lx.wait_until(covered, 20, "figures that contain the push").lines[0]


def test_figures_contain_the_last_acknowledgement(behaving, school, tmp_path):
    """After many pushes the watermark passes the last acknowledgement, and the figures are what was acknowledged."""
    codes = (WORKSHOP, OTHER_WORKSHOP)
    streams = [office.unit_id(behaving, code) for code in codes]
    people = [make_teacher(behaving, school, code) for code in codes]
    district, unit = office.unit_id(behaving, behaviour.DISTRICT), office.unit_id(behaving, SCHOOL)
    seconds = []
    with office.login(behaving, tmp_path, "district_admin", behaviour.DISTRICT) as reader:
        before = {id_: figures(reader, id_).school_hours for id_ in (district, unit, *streams)}
        for round_ in range(10):
            stream, person = streams[round_ % 2], people[round_ % 2]
            answer = school.push(stream, next_op(school, stream), [office.hours(person, 10) for _ in range(20)])
            assert answer.verdict == ledger.GROUP_DONE and not answer.refused
            acknowledged, acknowledged_ms = time.monotonic(), NOW_MS()  # the server's clock is this machine's
            assert watermark_passes(reader, district, acknowledged_ms)
            seconds.append(time.monotonic() - acknowledged)
            line = figures(reader, district)
            assert line.school_hours - before[district] == (round_ + 1) * 200, "complete_through is no promise"
        for id_, share in ((unit, 1), *((stream, 0.5) for stream in streams)):
            assert figures(reader, id_).school_hours - before[id_] == 2000 * share
    seconds.sort()
    print(f"complete after the acknowledgement: median {seconds[5] * 1000:.0f} ms, worst {seconds[-1] * 1000:.0f} ms")
    verified = behaving.ctl("verify", check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def watermark_passes(reader, unit: bytes, time_ms: int) -> bool:
    request = peer.statistics.StatisticsRequest(programme=1, unit=unit, by=peer.statistics.BY_UNIT)
    return lx.wait_until(lambda: reader.call("STATISTICS", request, peer.statistics.StatisticsReply)
                         .complete_through_ms > time_ms, 20, "complete_through passes the acknowledgement")


def test_what_names_a_record_that_was_not_stored_is_not_refused_for_good(behaving, school):
    """The first group is told of a gap; the second, of another stream, names its record: too early, no refusal by record."""
    stream, other = office.unit_id(behaving, WORKSHOP), office.unit_id(behaving, SCHOOL)
    person = make_teacher(behaving, school, WORKSHOP)
    record = office.hours(person, 100)
    void = ledger.Operation(fact=ledger.Fact(id=peer.uuid7(), programme=1, kind=ledger.VOID, subject=person, of=record.fact.id,
                                             occurred_at_ms=record.fact.occurred_at_ms))
    first, second = next_op(school, stream), next_op(school, other)

    def both(skipped: int) -> list:
        groups = [ledger.PushGroup(stream=where, first_op_seq=number, operations=[operation.SerializeToString()])
                  for where, number, operation in ((stream, first + skipped, record), (other, second, void))]
        answer = school.call("PUSH", ledger.PushRequest(groups=groups), ledger.PushReply)
        return [(group.verdict, [REASON[refused.reason.reason]["id"] for refused in group.refused],
                 REASON[group.reason.reason]["id"] if group.reason.reason else "") for group in answer.groups]

    assert both(1) == [(ledger.GROUP_GAP, [], ""), (ledger.GROUP_REFUSED, [], "group_too_early")]
    assert next_op(school, other) == second
    stored, voided = both(0)
    assert stored == (ledger.GROUP_DONE, [], "")
    assert voided[0] == ledger.GROUP_DONE and "of_unknown" not in voided[1], voided
