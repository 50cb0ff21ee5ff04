"""What a test client says that it did: one line of JSON before it sends, one after the answer, in a file of its own.

    {"k": "who", "device", "account", "role", "unit"}       first line
    {"k": "send", "t", "s", "f", "ops": [[what, id, hash, of, key, content], ...]}   operations from op_seq f on for stream s
    {"k": "ack", "t", "s", "f", "n", "v", "to", "seq", "no": [op_seq, ...]}          n of them answered; no: refused
    {"k": "pull", "t", "s", "c", "to", "head", "live", "digest", "more", "rows": [[seq, state, id, version, subject], ...]}
                                                            "state": true: not an answer, but all that a home has
    {"k": "forget", "s"}                                    the stream is pulled from 0 again

Ids, hashes and streams are hex; `what` is the kind of a fact, or 100 person, 101 membership; `content` of a fact is
[subject, item, quantity]; c is the cursor that was sent, `to` the one that came back.
"""
import json
import time
from pathlib import Path

PERSON, MEMBERSHIP = 100, 101


def now_ms() -> int:
    return int(time.time() * 1000)


class Writer:
    """The file of one client. Lines are flushed: whoever looks sees all that was said."""

    def __init__(self, path: Path, device: bytes, account: str, role: str, unit: str):
        self.file = open(path, "a", encoding="ascii", buffering=1 << 16)
        self.write({"k": "who", "device": device.hex(), "account": account, "role": role, "unit": unit})

    def write(self, line: dict) -> None:
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self.file.flush()

    def close(self) -> None:
        self.file.close()

    def send(self, stream: bytes, first: int, entries: list) -> None:
        self.write({"k": "send", "t": now_ms(), "s": stream.hex(), "f": first, "ops": entries})

    def ack(self, stream: bytes, first: int, count: int, answer) -> None:
        self.write({"k": "ack", "t": now_ms(), "s": stream.hex(), "f": first, "n": count, "v": answer.verdict,
                    "to": answer.op_to, "seq": answer.seq, "no": [r.op_seq for r in answer.refused]})

    def pull(self, cursor: int, reply) -> None:
        rows = [[r.seq, r.state, r.id.hex(), r.version, r.subject.hex()] for r in reply.rows]
        self.write({"k": "pull", "t": now_ms(), "s": reply.stream.hex(), "c": cursor, "to": reply.cursor, "head": reply.head,
                    "live": reply.live_count, "digest": reply.digest, "more": reply.more, "rows": rows})

    def forget(self, stream: bytes) -> None:
        self.write({"k": "forget", "s": stream.hex()})


def read(path: Path):
    """Lines of one client, in order; the last may be half."""
    with open(path, encoding="ascii") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)
