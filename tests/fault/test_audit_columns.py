"""Every column of every table is either covered by the audit chain, or not, with the reason: audit_columns.csv, written by hand.

A covered column is changed in a real database and found; those that are not are changed all at once, and nothing is found. A column
that is added has to be decided upon.
"""
import random

import audit_columns
import lx
import pytest
import tamper


FREE_PLACE = "seq + 1000000"  # no other row of the stream is there, by no chance


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with lx.Deployment(drain_timeout_ms=500) as city:
        with tamper.Bench(city, tmp_path_factory.mktemp("columns"), 3, audit_columns.FILL) as made:
            assert made.look() == []
            yield made


def change(bench: tamper.Bench, rows: list, rng: random.Random) -> None:
    """All columns of `rows`, which are of one table, in one row of it."""
    table = rows[0]["table"]
    kinds = {column: kind for column, kind, _ in bench.columns[table]}
    where = bench.pick(rng, table, tamper.SEATED if rows[0]["column"] == "seq" and table == "fact" else "true")
    values = {row["column"]: row["change"] or (FREE_PLACE if row["column"] == "seq" else bench.other(row["column"], kinds[row["column"]]))
              for row in rows}
    told = " and ".join(f"({value}) is distinct from {column}" for column, value in values.items())
    assert bench.sql.run(f"select {told} from {table} where {where}") == [["t"]], f"{table}: {values}"
    bench.sql.run(f"update {table} set {', '.join(f'{column} = {value}' for column, value in values.items())} where {where}")


def test_every_column_has_its_row(bench):
    present = [(row["table"], row["column"]) for row in audit_columns.rows()]
    assert sorted(present) == sorted((table, column) for table in bench.tables for column, _, _ in bench.columns[table])
    for row in audit_columns.rows():
        assert row["covered"] in ("yes", "no") and row["by"].startswith("none: ") == (row["covered"] == "no"), row


def test_covered_columns_are_found(bench):
    rng, missed = random.Random(7), []
    for row in audit_columns.rows():
        if row["covered"] == "yes":
            change(bench, [row], rng)
            if not bench.look():
                missed.append(f"{row['table']}.{row['column']}")
            bench.restore([row["table"]])
    assert not missed and bench.look() == []


def test_other_columns_are_not(bench):
    """Else the table says too little."""
    rng = random.Random(7)
    free = [row for row in audit_columns.rows() if row["covered"] == "no"]
    tables = sorted({row["table"] for row in free})
    for table in tables:
        change(bench, [row for row in free if row["table"] == table], rng)
    found = bench.look()
    bench.restore(tables)
    assert found == []
