"""Which columns the audit chain covers: audit_columns.csv, written by hand, and a city in which every table has a row."""
import csv
from pathlib import Path

# Rows of tables that a few minutes of a town leave empty. The transfer is counted where it lies.
FILL = """
insert into rollup_day select now()::date, * from rollup limit 1;
insert into todo (district, subject, level, lane) values (9, gen_random_uuid(), 5, 1);
insert into standing_gone select district, subject, programme, role, coalesce(contribution, '') from standing limit 1;
with put as (insert into unit_move (district, id, unit, from_parent, to_parent, to_district, left_at, taken_by, taken_at, ended_at)
  select u.district, gen_random_uuid(), u.id, u.parent, u.parent, 2, now(), 2, now(), now() from unit u where u.level = 3 limit 1 returning *)
insert into unit_package (district, move, what, part, rows) select district, id, 'fact', 0, '[]' from put;
insert into transit_package (district, transfer, person, to_district, to_unit, left_at, body)
  select p.district, gen_random_uuid(), gen_random_uuid(), 2, u.id, now(), '{}' from person p, unit u where u.level = 2 and u.district = 2 limit 1;
with put as (insert into transit (district, stream, seq, id, transfer, person, unit, other_district, side, left_at, name)
  select h.district, h.stream, h.head, gen_random_uuid(), k.transfer, k.person, k.to_unit, 2, 1, k.left_at, 'x'
  from transit_package k join unit u on u.level = 2 and u.district = k.district join head h on h.stream = u.id returning *)
update head h set live = h.live + 1, digest = h.digest # row_digest(p.id, 1) from put p where h.stream = p.stream
"""


def rows() -> list:
    with open(Path(__file__).with_name("audit_columns.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def uncovered() -> set:
    return {(row["table"], row["column"]) for row in rows() if row["covered"] == "no"}

