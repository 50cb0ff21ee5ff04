"""Writes the tables of deploy/CAPACITY.md. See run."""
import argparse
import itertools
import math
import random
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "lib"), str(HERE.parents[1] / "interop")]

import costs as measured  # noqa: E402  (the paths come first)
import curves  # noqa: E402
import report  # noqa: E402
import simulate  # noqa: E402
import subjects  # noqa: E402

PAGE = HERE.parents[2] / "deploy/CAPACITY.md"
BEGIN, END = "<!-- made by tests/bench/capacity/run: -->", "<!-- end -->"
HABITS = simulate.Habits()
CITIES = (10_000, 100_000, 1_000_000)
STORM_CLIENTS, STORM_JITTERS = 20_000, (15, 60, 300)
COUNTRY_TEACHERS, COUNTRY_CITIES, SPREAD = 18_000_000, 340, 0.9  # spread: of the logarithms of the cities' sizes
CORES = (2, 4, 8, 16, 32, 64)
ASSESSORS = (1, 2, 4, 8)
# What a deadline day must keep: room for a backup beside, and the promises.
BUSY_MOST, ANSWER_MOST_S, FRESH_MOST_S = 0.6, 1.0, 1.0
RECORDS_A_YEAR = 60
PROCESS_MIB, PROCESSES = 16, 24   # a connection of PostgreSQL, or a process of lianxiaod
WIRE = {"record": 130, "page": 100 * 150, "login": 6_000, "answer": 120}  # bytes with TLS, counted from proto/ and the certificates


class Need(NamedTuple):
    machine: simulate.Machine
    outcome: simulate.Outcome


def holds(outcome: simulate.Outcome) -> bool:
    return outcome.busy <= BUSY_MOST and outcome.p99_s <= ANSWER_MOST_S and outcome.fresh_p99_s <= FRESH_MOST_S


def smallest(costs: measured.Costs, clients: list) -> Need:
    """The smallest machine that holds, or the largest that was tried."""
    need = None
    for cores in CORES:
        for assessors in (n for n in ASSESSORS if n * 2 <= cores):
            machine = simulate.Machine(cores, assessors)
            need = Need(machine, simulate.run(machine, clients, costs))
            if holds(need.outcome):
                return need
    return need


def clients_of(teachers: int) -> int:
    return math.ceil(teachers / HABITS.teachers_a_client)


def records_a_second(teachers: int) -> float:
    return teachers * HABITS.records_a_teacher * HABITS.peak_share / 3600


def memory_gib(costs: measured.Costs, teachers: int) -> float:
    """Connections, processes, and a quarter of the database in PostgreSQL's memory."""
    return clients_of(teachers) * costs.connection_kib / 2**20 + PROCESSES * PROCESS_MIB / 1024 + max(1.0, disk_gib(costs, teachers) / 4)


def disk_gib(costs: measured.Costs, teachers: int) -> float:
    """A year."""
    return teachers * (costs.teacher_kib * 1024 + (RECORDS_A_YEAR - 20) * costs.row_bytes) / 2**30


def wal_gib(costs: measured.Costs, teachers: int) -> float:
    """The deadline day's."""
    return teachers * HABITS.records_a_teacher * costs.wal_bytes / 2**30


def network_mbit(teachers: int) -> float:
    syncs = clients_of(teachers) * HABITS.syncs_a_day * HABITS.peak_share / 3600
    per_sync = WIRE["login"] + HABITS.moved_streams * WIRE["page"] + 5 * WIRE["answer"]
    return (records_a_second(teachers) * WIRE["record"] + syncs * per_sync) * 8 / 1e6


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def ms(seconds: float) -> str:
    return f"{number(seconds * 1000)} ms" if seconds < 1 else f"{seconds:.1f} s"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def cities(costs: measured.Costs, seed: int) -> str:
    rows = []
    for teachers in CITIES:
        need = smallest(costs, simulate.peak(costs, teachers, HABITS, seed, min(3600, 3e7 / teachers)))
        rows.append([f"{teachers:,}", f"{clients_of(teachers):,}", number(records_a_second(teachers)),
                     f"{need.machine.cores}" + ("" if holds(need.outcome) else " (not enough)"), f"{math.ceil(clients_of(teachers) / subjects.PROCESS_CONNECTIONS)}", f"{need.machine.assessors}", f"{need.outcome.busy:.0%}",
                     ms(need.outcome.p99_s), ms(need.outcome.session_p99_s), ms(need.outcome.fresh_p99_s), f"{number(memory_gib(costs, teachers))} GiB",
                     f"{number(disk_gib(costs, teachers))} GiB", f"{number(wal_gib(costs, teachers))} GiB", f"{number(network_mbit(teachers))} Mbit/s"])
    return table(["teachers", "clients", "records a second", "cores", "workers at least", "assessors", "busy", "answer p99", "sync p99", "into the figures p99", "memory",
                  "disk, a year", "WAL, the day", "network"], rows)


def storms(costs: measured.Costs, seed: int) -> str:
    rows = []
    for jitter in STORM_JITTERS:
        clients = simulate.storm(costs, STORM_CLIENTS, HABITS, seed, jitter)
        for cores in (2, 4, 8, 16):
            outcome = simulate.run(simulate.Machine(cores), clients, costs)
            rows.append([f"{jitter} s", str(cores), f"{outcome.last_s:.0f} s", ms(outcome.p50_s), ms(outcome.p99_s), f"{outcome.busy:.0%}"])
    return table(["come back within", "cores", "all are served after", "answer median", "answer p99", "busy"], rows)


def sizes(seed: int) -> list[int]:
    """Teachers of each city: a few large ones, many small ones."""
    chance = random.Random(seed)
    weights = [chance.lognormvariate(0, SPREAD) for _ in range(COUNTRY_CITIES)]
    ends = [round(COUNTRY_TEACHERS * part / sum(weights)) for part in itertools.accumulate(weights)]
    return sorted(end - begin for begin, end in zip([0, *ends], ends))


def country(costs: measured.Costs, seed: int) -> str:
    groups: dict[simulate.Machine, list[tuple[int, simulate.Outcome]]] = {}
    for place, teachers in enumerate(sizes(seed)):
        need = smallest(costs, simulate.peak(costs, teachers, HABITS, seed + place, 120))
        groups.setdefault(need.machine, []).append((teachers, need.outcome))
    rows = []
    for machine, found in sorted(groups.items()):
        people = [teachers for teachers, _ in found]
        rows.append([f"{machine.cores} cores, {machine.assessors} assessor{'s' if machine.assessors > 1 else ''}", str(len(found)),
                     f"{min(people):,} to {max(people):,}", f"{sum(people):,}", ms(max(o.p99_s for _, o in found)), ms(max(o.fresh_p99_s for _, o in found))])
    everybody = sizes(seed)
    total = sum(machine.cores * len(found) for machine, found in groups.items())
    rows.append(["together", str(len(everybody)), "", f"{sum(everybody):,}", "", ""])
    text = (f"In all {total:,} cores, {number(sum(memory_gib(costs, t) for t in everybody))} GiB of memory, "
            f"{number(sum(disk_gib(costs, t) for t in everybody) / 1024)} TiB of disk for a year; at the peak {number(sum(map(records_a_second, everybody)))} records "
            f"a second, {number(sum(map(network_mbit, everybody)) / 1000)} Gbit/s over all cities together.")
    return table(["machine of a city", "cities", "teachers of each", "teachers", "worst answer p99", "worst into the figures p99"], rows) + "\n\n" + text


def sources(costs: measured.Costs, used: dict) -> str:
    rows = [["a push of 10 / 100 records", ms(measured.push_seconds(costs, 10)) + " / " + ms(measured.push_seconds(costs, 100))],
            ["connection, both certificates, Hello by token", ms(costs.login)], ["pull: nothing new / 100 rows", f"{ms(costs.nothing)} / {ms(costs.page)}"],
            ["the city's figures", ms(costs.statistics)], ["a teacher scored; the round of one record, with workshop and school", f"{ms(costs.assess)}; {ms(costs.round)}"], ["memory of a connection", f"{costs.connection_kib:.1f} KiB"],
            ["a record: on disk / WAL", f"{costs.row_bytes:,.0f} / {costs.wal_bytes:,.0f} bytes"], ["a teacher with 20 records: on disk", f"{costs.teacher_kib:.1f} KiB"]]
    return "\n\n".join([origin(used), table(["what", "processor time of server and PostgreSQL, or size"], rows)])


def origin(used: dict) -> str:
    """Which results the costs are from, and how much they are worth."""
    busy = [name for name, result in sorted(used.items()) if report.is_busy(result)]
    rows = [[f"`{result['command']}`", result["date"], f"{result['points'][-1]['x']:,.0f} {curves.CURVES[name].x_label}", f"{result['others']:.0%}" + (" (busy)" if name in busy else "")]
            for name, result in sorted(used.items())]
    said = f"**Others used the machine when these were measured, so their costs are too high: {', '.join(busy)}.**" if busy else "All on a quiet machine."
    machines = "; ".join(sorted({result["machine"] for result in used.values()}))
    return "\n\n".join([f"Computed from [tests/bench/results.json](../tests/bench/results.json), of {machines}. {said}",
                        table(["measured by", "when", "to", "others' share of the machine"], rows)])


def assumptions() -> str:
    h = HABITS
    return (f"One client for {h.teachers_a_client} teachers; {h.records_a_teacher} records a teacher on the day and {RECORDS_A_YEAR} in the year; {h.syncs_a_day} syncs a client, "
            f"{h.peak_share:.0%} of them in the busiest hour; a sync asks about {h.streams} streams, {h.moved_streams} of which have moved by 100 rows; "
            f"{h.figures_share:.0%} look at the city's figures. A disk sync takes {simulate.SYNC_S * 1000:g} ms. A login costs PostgreSQL as much as {measured.LOGIN_PULLS:g} pulls of nothing do in all. A city's machine is large enough when it is at most "
            f"{BUSY_MOST:.0%} busy, 99% of the answers come within {ANSWER_MOST_S:g} s and 99% of the records are in the figures within {FRESH_MOST_S:g} s.")


def text(seed: int) -> str:
    costs, used = measured.load()
    return "\n\n".join(["## Costs", sources(costs, used), "## Assumptions", assumptions(), "## A city on its deadline day, in the busiest hour", cities(costs, seed),
                        f"## The morning's storm: {STORM_CLIENTS:,} clients come back", storms(costs, seed),
                        f"## A country: {COUNTRY_TEACHERS:,} teachers in {COUNTRY_CITIES} cities, all on their deadline day", country(costs, seed)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    made = f"{page[:page.index(BEGIN) + len(BEGIN)]}\n\n{text(options.seed)}\n\n{page[page.index(END):]}"
    if options.check:
        print("the page is what the figures give" if made == page else f"{PAGE} is old: run tests/bench/capacity/run")
        return made != page
    PAGE.write_text(made, encoding="utf-8")
    print(f"{PAGE} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
