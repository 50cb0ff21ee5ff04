"""The table of conflicts (conflicts.csv, written by hand): what comes of two operations that two devices make without knowing of each
other, in both orders of arrival, on the real server with real clients.

`told_first` and `told_second` are what each device's outbox says in the end, an entry an operation, with the number of the reason;
`final` is what the server has: records that count and that were taken back, the person's title if it changed, where he is. Rows
with devices = all are also made by one account on two devices, and by two copies of one device. A kind of fact, a step of a
transfer or a kind of operation that is added has to get its rows.
"""
import itertools
import re
import sqlite3

import behaviour
import conflict_world
import lx
import pytest
from conftest import found_city

import peer

ledger = peer.ledger
# What stands for each kind of operation about people; every two of a line meet.
ABOUT_PEOPLE = {"person": ("change", "change_other"), "membership": ("move", "move_away", "leave", "leave_later"), "TRANSFER_OUT": ("out",)}
ARRIVING = {"person": ("new", "new_other"), "membership": ("new_elsewhere",)}
TAKEN = {"TRANSFER_IN": ("take_in", "take_back")}


def about_teachers() -> set:
    """Kinds of facts that can be about a teacher, as proto/tables.md has it from the domain's own table."""
    lines = (lx.ROOT / "proto/tables.md").read_text(encoding="utf-8").splitlines()
    return {line.split("|")[2].strip() for line in lines if re.match(r"\| \d+ \|", line) and "teacher: " in line}


def required() -> set:
    rows = set()
    kinds = {name.lower() for name, number in ledger.FactKind.items() if number != 0}
    for kind in kinds - {"void"}:
        rows |= {(kind, "add", "add"), (kind, "void", "void")}
        if kind in about_teachers() - conflict_world.OF_THE_SCHOOL:
            rows |= {(kind, *pair) for one in ("add", "void") for other in ("move", "out") for pair in ((one, other), (other, one))}
        if kind in conflict_world.IMPORT:
            rows |= {(kind, "import", "import"), (kind, "import", "import_other")}
    for kind in ("accepted", "grade", "case_selected"):
        rows |= {(kind, "add", "void_of"), (kind, "void_of", "add")}
    for record, lists in (("person", ABOUT_PEOPLE), ("person", ARRIVING), ("transfer", TAKEN)):
        operations = [operation for names in lists.values() for operation in names]
        rows |= {(record, *pair) for pair in itertools.product(operations, repeat=2)}
    return rows


def test_every_kind_of_operation_has_its_rows():
    fields = {field.name for field in ledger.Operation.DESCRIPTOR.fields if field.message_type is not None}
    assert fields == {"fact", "submission", "person", "membership", "transfer"}, "a kind of operation without rows"
    steps = {name for name, number in ledger.TransferStep.items() if number != 0}
    assert steps == {name for name in (*ABOUT_PEOPLE, *TAKEN) if name not in fields}, "a step of a transfer without rows"
    present = [(row["record"], row["first"], row["second"]) for row in conflict_world.rows()]
    assert sorted(present) == sorted(required())
    assert {row["record"] for row in conflict_world.rows()} >= set(conflict_world.ADD)
    assert all(row["devices"] in ("two", "all") for row in conflict_world.rows())


@pytest.mark.parametrize("devices", ["two", "same", "clone"])
def test_every_cell(devices, tmp_path):
    table = [row for row in conflict_world.rows() if devices == "two" or row["devices"] == "all"]
    with lx.Deployment() as city:
        world = conflict_world.World(found_city(city), tmp_path, table, devices)
        world.start()
        world.settle()
        wrong = [f"{cell}: {' | '.join(told)}" for cell, told in zip(world.cells, world.outcome())
                 if told != (cell.row["told_first"], cell.row["told_second"], cell.row["final"])]
        assert not wrong, "\n".join(wrong)
        for side in world.sides:
            for home in side.homes:
                behaviour.replica(home)  # proved whole
        if devices == "two":
            a_refusal_without_a_reason_says_so(world.sides[1].home)


def a_refusal_without_a_reason_says_so(home: lx.Home) -> None:
    with sqlite3.connect(f"{home.folder}/lianxiao.db") as db:
        number = db.execute("select min(id) from outbox where state = 3").fetchone()[0]
        db.execute("update outbox set reason = null where id = ?", (number,))
    db.close()
    assert [entry["reason"] for entry in home.json("outbox") if entry["id"] == number] == ["the server gives no reason"]
