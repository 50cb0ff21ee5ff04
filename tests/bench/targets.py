"""G1 to G16 (the project's design, performance.md): what is required of the whole product, and what it aims at."""
from typing import NamedTuple, Optional

from drive import Spread


class Target(NamedTuple):
    id: str
    what: str
    sign: str  # ">=" or "<="
    required: float
    aim: Optional[float]
    unit: str = ""

    def verdict(self, value: float) -> str:
        def holds(limit: float) -> bool:
            return value >= limit if self.sign == ">=" else value <= limit
        if self.aim is not None and holds(self.aim):
            return "aim"
        return "required" if holds(self.required) else "missed"


TARGETS = [
    Target("G1", "push 64×100 through TLS / raw", ">=", 0.70, 0.85),
    Target("G2", "push 256×10 / raw", ">=", 0.45, 0.60),
    Target("G3.raw", "push 256×10, fdatasync +2 ms / raw", ">=", 0.70, 0.90),
    Target("G3.grpc", "push 256×10, fdatasync +2 ms / gRPC, 16 connections", ">=", 4.0, 5.5),
    Target("G4.100", "push 64×100 / gRPC C++ with the same insert", ">=", 1.0, 1.4),
    Target("G4.10", "push 256×10 / gRPC C++ with the same insert", ">=", 2.3, 3.5),
    Target("G5", "front end's CPU a record / PostgreSQL's (64×100)", "<=", 0.15, 0.05),
    Target("G6.grpc", "CPU a ping / gRPC's best mode", "<=", 0.5, 0.3),
    Target("G6.nginx", "CPU a ping / nginx `return 200`", "<=", 1.05, 0.75),
    Target("G7.kib", "idle logged-in connection", "<=", 17, 15, "KiB"),
    Target("G7.nginx", "idle logged-in connection / nginx keep-alive", "<=", 1.15, 1.0),
    Target("G8", "full handshake's CPU / nginx", "<=", 1.10, 1.0),
    Target("G8.mutual", "full handshake's CPU with a client certificate / nginx", "<=", 1.10, 1.0),
    Target("G9.cpu", "CPU a ping beside 18,000 idle / beside none", "<=", 1.15, 1.05),
    Target("G9.memory", "memory a connection at 18,000 / at 5,000", "<=", 1.05, 1.05),
    Target("G10.nothing", "pull, nothing new / select by primary key, through the server", "<=", 1.5, 1.2),
    Target("G10.100", "pull, 100 rows / select by primary key, through the server", "<=", 12, 9),
    Target("G11.school", "statistics of a school / select by primary key", "<=", 3, None),
    Target("G11.district", "statistics of a district / select by primary key", "<=", 2, None),
    Target("G11.city", "statistics of the city / select by primary key", "<=", 6, 1.5),
    Target("G11.groupby", "raw group by over 4 M rows / statistics of a district, processor time", ">=", 5000, None),
    Target("G12", "one client's 10-record push, median / raw libpq", "<=", 1.5, 1.2),
    Target("G13", "one hot school / spread schools, fdatasync +2 ms, 16 clients", ">=", 0.80, 0.95),
    Target("G14", "acknowledged → in the city's figure, p99, at half of G1's rate", "<=", 1.0, 0.2, "s"),
    Target("G15.assess", "subjects assessed a second on one core", ">=", 20_000, 100_000, "/s"),
    Target("G15.rescore", "rescore of 200,000 teachers with 4 M facts", "<=", 120, 30, "s"),
    Target("G16.start", "start of a client with 50,000 rows in its replica", "<=", 0.3, None, "s"),
    Target("G16.sync", "first full sync, 100 teachers × 100 facts", "<=", 2, None, "s"),
]
BY_ID = {target.id: target for target in TARGETS}


def shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def row(target: Target, spread: Spread) -> dict:
    return {"id": target.id, "what": target.what, "measured": spread.median, "low": spread.low, "high": spread.high,
            "sign": target.sign, "required": target.required, "aim": target.aim, "unit": target.unit,
            "verdict": target.verdict(spread.median)}


def markdown(rows: list[dict]) -> str:
    sign = {">=": "≥", "<=": "≤"}
    lines = ["| | what | measured (median, lowest to highest) | required | aim | verdict |", "|---|---|---|---|---|---|"]
    for r in rows:
        unit = f" {r['unit']}" if r["unit"] else ""
        aim = "" if r["aim"] is None else f"{sign[r['sign']]}{shown(r['aim'])}{unit}"
        lines.append(f"| {r['id']} | {r['what']} | {shown(r['measured'])}{unit} ({shown(r['low'])} to {shown(r['high'])}) | "
                     f"{sign[r['sign']]}{shown(r['required'])}{unit} | {aim} | {r['verdict']} |")
    return "\n".join(lines)
