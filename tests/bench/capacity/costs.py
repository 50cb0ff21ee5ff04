"""What one of each thing costs, from tests/bench/results.json; and what cannot be measured here, as named assumptions."""
import json
from pathlib import Path
from typing import NamedTuple

BENCH = Path(__file__).resolve().parents[1]
RESULTS = BENCH / "results.json"
USED = ("batch", "connections", "ledger", "teachers")  # the measurements that the costs come from
LOGIN_PULLS = 2.0  # PostgreSQL's processor time for a Hello by token, in pulls of nothing: an assumption, shown on the page


class Costs(NamedTuple):
    """Processor time in seconds of server and PostgreSQL together, unless the name says otherwise."""
    push: list[tuple[float, float]]   # records of a push, seconds of the whole push
    login: float                      # connection, handshake with both certificates, Hello by token
    nothing: float                    # a pull of a stream that has not moved
    page: float                       # a pull of 100 rows
    statistics: float                 # the city's figures
    assess: float                     # a teacher scored: assessor and PostgreSQL
    round: float                      # the assessor's round for one record: what it asks anyway, the workshop and the school
    connection_kib: float
    row_bytes: float                  # of a record, on disk
    wal_bytes: float                  # of a record
    teacher_kib: float                # on disk: roster, standing, receipt, a year's records


def median(point: dict, key: str) -> float:
    return point["values"][key]["median"]


def load() -> tuple[Costs, dict]:
    """The costs and the measurements that they come from."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    used = {name: results[name] for name in USED}
    batch, connections, ledger, teachers = (used[name]["points"] for name in USED)
    last = ledger[-1]  # the largest ledger
    grown = teachers[-1]
    return Costs(
        push=[(p["x"], (median(p, "server_us") + median(p, "postgres_us")) * p["x"] / 1e6) for p in batch],
        login=median(connections[-1], "login_us") / 1e6 + LOGIN_PULLS * median(last, "nothing_us") / 1e6,
        nothing=median(last, "nothing_us") / 1e6, page=median(last, "page_us") / 1e6, statistics=median(grown, "city_us") / 1e6,
        assess=(median(grown, "assessor_us") + median(grown, "postgres_us")) / 1e6,
        round=median(grown, "round_us") / 1e6,
        connection_kib=median(connections[-1], "kib"), row_bytes=median(last, "row_bytes"), wal_bytes=median(last, "wal_bytes"),
        teacher_kib=median(grown, "disk_kib")), used


def push_seconds(costs: Costs, records: float) -> float:
    """Between the measured sizes along a line."""
    points = costs.push
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if records <= x1:
            return y0 + (y1 - y0) * max(0.0, records - x0) / (x1 - x0)
    return points[-1][1] * records / points[-1][0]
