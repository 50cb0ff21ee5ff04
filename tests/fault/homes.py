"""Homes of real clients: what their databases say was sent, answered and received, written as histories for check.py."""
import hashlib
import json
import sqlite3
from pathlib import Path

import history
import lx
import peer

WAITING, ACKED, REFUSED, ARCHIVED = 1, 2, 3, 4  # client/store/outbox.h
REPLICA = 1                                     # layer of rows that came from the server
MASK = (1 << 64) - 1


def open_home(home: lx.Home) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{home.folder}/lianxiao.db?mode=ro", uri=True, timeout=30)


def waiting(home: lx.Home) -> int:
    with open_home(home) as db:
        return db.execute("select count(*) from outbox where state = ?", (WAITING,)).fetchone()[0]


def entry(payload: bytes) -> list:
    operation = peer.ledger.Operation.FromString(payload)
    digest = hashlib.sha256(payload).digest()[:16].hex()
    if operation.HasField("fact"):
        fact = operation.fact
        return [fact.kind, fact.id.hex(), digest, fact.of.hex(), fact.source_key.hex(), [fact.subject.hex(), fact.item, fact.quantity]]
    what, record = (history.PERSON, operation.person) if operation.HasField("person") else (history.MEMBERSHIP, operation.membership)
    return [what, record.id.hex(), digest, "", "", None]


def lines_of(db: sqlite3.Connection):
    """The outbox as sends and answers, each stream's replica as one pull of everything."""
    for stream, op_seq, state, ack_seq, payload in db.execute(
            "select stream, op_seq, state, ack_seq, operation from outbox where op_seq > 0 order by stream, op_seq"):
        yield {"k": "send", "t": 0, "s": stream.hex(), "f": op_seq, "ops": [entry(payload)]}
        if state in (ACKED, REFUSED):
            yield {"k": "ack", "t": 0, "s": stream.hex(), "f": op_seq, "n": 1, "v": peer.ledger.GROUP_DONE, "to": op_seq, "seq": 0,
                   "no": [op_seq] if state == REFUSED else []}
    for stream, cursor, live, digest, whole in db.execute("select stream, cursor, live_count, digest, whole from stream"):
        rows = [[seq, 1, record.hex(), version, subject.hex()] for seq, record, version, subject in db.execute(
            "select seq, id, version, subject from row where stream = ? and layer = ? order by seq", (stream, REPLICA))]
        yield {"k": "pull", "t": 0, "s": stream.hex(), "c": 0, "to": cursor, "head": cursor, "live": live, "digest": digest & MASK,
               "more": not whole, "state": True, "rows": rows}


def write_history(home: lx.Home, path: Path, role: str, unit: str) -> None:
    with open_home(home) as db, open(path, "w", encoding="ascii") as file:
        device = db.execute("select value from config where name = 'device'").fetchone()[0]
        lines = [{"k": "who", "device": device.hex(), "account": path.stem, "role": role, "unit": unit}, *lines_of(db)]
        file.writelines(json.dumps(line) + "\n" for line in lines)
