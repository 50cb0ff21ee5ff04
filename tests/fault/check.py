#!/usr/bin/python3
"""Verifies the promises from the histories of the clients and the database after them.

I1 every acknowledged operation is in the final state, or superseded along its version chain
I2 none is there twice, and nothing that nobody sent
I3 every stream is gapless and was seen in one order, by everybody, without a row left out
I4 a device reads its own writes and never goes back
I5 a replica that was told to be whole is: count and digest are the server's, and the server's are those of its rows
I6 nothing outside a device's part of the organisation ever reached it
I7 every operation stands in the audit with its hash, and the audit's chain verifies
I8 standings and roll-ups computed again from the ledger are the stored ones

Operations that were not acknowledged may be there or not, as a whole. Usage: check.py CLUSTER-FOLDER HISTORY...
"""
import hashlib
import sys
from collections import defaultdict
from pathlib import Path
from typing import Optional

HERE = Path(__file__).resolve().parent
for sibling in ("lib", "interop"):
    sys.path.insert(0, str(HERE.parent / sibling))

import history  # noqa: E402  (the paths come first)
import lx  # noqa: E402
import peer  # noqa: E402

LIVE, LEFT, GONE = 1, 2, 3
DONE, REPEATED = peer.ledger.GROUP_DONE, peer.ledger.GROUP_REPEATED
SHOWN = 5  # examples of each violation


class Findings:
    """Violations by promise, each with a few examples."""

    def __init__(self):
        self.by_promise: dict = defaultdict(list)

    def add(self, promise: str, text: str) -> None:
        self.by_promise[promise].append(text)

    def __bool__(self) -> bool:
        return bool(self.by_promise)

    def __str__(self) -> str:
        lines = []
        for promise, texts in sorted(self.by_promise.items()):
            lines.append(f"{promise}: {len(texts)} violations")
            lines += [f"    {text}" for text in texts[:SHOWN]]
        return "\n".join(lines)


class Operation:
    """What one client sent under one key."""
    __slots__ = ("what", "id", "hash", "of", "key", "content", "acknowledged", "refused")

    def __init__(self, entry: list):
        self.what, self.id, self.hash, self.of, self.key, self.content = entry
        self.acknowledged = self.refused = False


class Device:
    """One client's history, and the replica that it has by it."""

    def __init__(self, path: Path):
        self.path = path
        self.device = self.unit = self.role = ""
        self.operations: dict = {}                 # (stream, op_seq) -> Operation
        self.rows: dict = defaultdict(dict)        # stream -> id -> (version, subject)
        self.cursors: dict = defaultdict(int)
        self.heads: dict = defaultdict(int)        # the newest head that it was told
        self.seen: dict = defaultdict(set)         # stream -> seqs delivered since it began from 0
        self.delivered: dict = defaultdict(dict)   # stream -> id -> subject, ever
        self.state_only = False                    # made of a home's state: tombstones are not kept there

    @property
    def name(self) -> str:
        return self.path.stem


class Database:
    """The state at rest, as the superuser sees it."""

    def __init__(self, cluster: lx.Cluster):
        def rows(query: str) -> list[list[str]]:
            return cluster.sql(f"copy ({query}) to stdout")

        def plain(column: str) -> str:
            return f"replace({column}::text, '-', '')"

        self.units = {unit: (level, path.split(",")) for unit, level, path in rows(
            f"select {plain('id')}, level, {plain('array_to_string(path, chr(44))')} from unit")}
        self.city = next(unit for unit, (level, _) in self.units.items() if level == "1")
        self.heads = {s: (int(h), int(l), int(d) & (1 << 64) - 1) for s, h, l, d in rows(
            f"select {plain('stream')}, head, live, digest from head h join unit u on u.id = h.stream and u.district = h.district")}
        self.facts = {i: (s, int(q), int(k), o, f, subject, item, quantity) for i, s, q, k, o, f, subject, item, quantity in rows(
            f"select {plain('id')}, {plain('stream')}, seq, kind, coalesce({plain('of_id')}, ''), coalesce(form, ''),"
            f" {plain('subject')}, coalesce(item, ''), coalesce(quantity, 0) from fact")}
        self.fact_count = int(rows("select count(*) from fact")[0][0])
        self.submissions = {row[0] for row in rows(f"select {plain('fact')} from submission")}
        self.keys = {row[0] for row in rows("select encode(source_key, 'hex') from import_key")}
        self.others = {}                           # id -> (stream, seq, version, subject, table)
        self.rows: dict = defaultdict(dict)        # stream -> seq -> (id, version, subject)
        for table, subject in (("person", "id"), ("membership", "person"), ("standing", "subject")):
            for i, s, q, v, about in rows(f"select {plain('id')}, {plain('stream')}, seq, version, {plain(subject)} from {table}"):
                self.others[i] = (s, int(q), int(v), about, table)
        for table in ("unit", "programme"):
            for i, q, v in rows(f"select {plain('id')}, seq, version from {table}"):
                self.others[i] = (self.city, int(q), int(v), i, table)
        self.left = {(s, subject): (int(q), to) for s, subject, q, to in rows(
            f"select {plain('stream')}, {plain('subject')}, seq, {plain('to_stream')} from left_stream")}
        self.runs = rows(f"select {plain('stream')}, encode(device, 'hex'), op_from, op_to, encode(root, 'hex'),"
                         " encode(hashes, 'hex'), encode(answer, 'hex') from op_run o join unit u on u.id = o.stream and u.district = o.district"
                         " where device <> decode(repeat('00', 32), 'hex') order by 1, 2, op_from")  # not copies, nor operators' runs

    def place(self, findings: Findings) -> None:
        """Every row to its place in its stream."""
        def put(stream, seq, what) -> None:
            if seq in self.rows[stream]:
                findings.add("I3", f"stream {stream}: two rows at {seq}: {self.rows[stream][seq][0]} and {what[0]}")
            self.rows[stream][seq] = what

        for record, fact in self.facts.items():
            put(fact[0], fact[1], (record, 1, fact[5]))
        for record, (stream, seq, version, subject, _) in self.others.items():
            put(stream, seq, (record, version, subject))
        for (stream, subject), (seq, _) in self.left.items():
            put(stream, seq, ("", 0, subject))

    def below(self, unit: str) -> set:
        return {other for other, (_, path) in self.units.items() if unit in path}


class Checker:
    def __init__(self, cluster: lx.Cluster, paths: list):
        self.findings = Findings()
        self.cluster = cluster
        self.paths = paths
        self.devices: list[Device] = []
        self.order: dict = {}                      # (stream, seq) -> what everybody saw there
        self.counts = {"acknowledged": 0, "refused": 0, "unacknowledged": 0, "pulled_rows": 0, "pulls": 0}

    def check(self, city: Optional[lx.Deployment] = None) -> Findings:
        for path in self.paths:
            self.read(path)
        self.database = Database(self.cluster)
        self.database.place(self.findings)
        self.check_operations()
        self.check_audit()
        self.check_streams()
        for device in self.devices:
            self.check_device(device)
        if city is not None:
            self.check_figures(city)
            self.check_chain(city)
        return self.findings

    # ---- histories ----

    def read(self, path: Path) -> None:
        device = Device(path)
        self.devices.append(device)
        for line in history.read(path):
            getattr(self, f"read_{line['k']}")(device, line)

    @staticmethod
    def read_who(device: Device, line: dict) -> None:
        device.device, device.unit, device.role = line["device"], line["unit"], line["role"]

    @staticmethod
    def read_send(device: Device, line: dict) -> None:
        for place, entry in enumerate(line["ops"], line["f"]):
            device.operations.setdefault((line["s"], place), Operation(entry))

    def read_ack(self, device: Device, line: dict) -> None:
        stream, first, verdict = line["s"], line["f"], line["v"]
        if verdict not in (DONE, REPEATED):
            self.findings.add("I1", f"{device.name}: operations from {first} on for {stream} were answered {verdict}: the server "
                                    f"has only {line['to']}")
            return
        refused = set(line["no"])
        for op_seq in range(first, first + line["n"]):
            operation = device.operations[stream, op_seq]
            operation.acknowledged = True
            operation.refused = op_seq in refused
        if line["to"] < first + line["n"] - 1:
            self.findings.add("I1", f"{device.name}: {stream} is acknowledged to {line['to']} only, sent to {first + line['n'] - 1}")
        self.never_back(device, stream, line["seq"], "a push")

    def never_back(self, device: Device, stream: str, head: int, who: str) -> None:
        if head < device.heads[stream]:
            self.findings.add("I4", f"{device.name}: {who} says that {stream} is at {head}, it was at {device.heads[stream]} before")
        device.heads[stream] = max(device.heads[stream], head)

    @staticmethod
    def read_forget(device: Device, line: dict) -> None:
        stream = line["s"]
        device.rows[stream].clear()
        device.seen[stream].clear()
        device.cursors[stream] = 0

    def read_pull(self, device: Device, line: dict) -> None:
        stream, to, head = line["s"], line["to"], line["head"]
        self.counts["pulls"] += 1
        self.counts["pulled_rows"] += len(line["rows"])
        if line["c"] != device.cursors[stream]:
            self.findings.add("I4", f"{device.name}: history is not its own: cursor {line['c']}, had {device.cursors[stream]}")
        if to < line["c"]:
            self.findings.add("I4", f"{device.name}: cursor of {stream} goes back from {line['c']} to {to}")
        self.never_back(device, stream, head, "a pull")
        device.state_only |= line.get("state", False)
        last = line["c"]
        for seq, state, record, version, subject in line["rows"]:
            if not last < seq <= min(to, head):
                self.findings.add("I3", f"{device.name}: {stream} gives {seq} after {last} in a page to {to}, head {head}")
            last = seq
            self.take_row(device, stream, (seq, state, record, version, subject))
        device.cursors[stream] = to
        if not line["more"]:
            self.check_replica(device, stream, line)

    def take_row(self, device: Device, stream: str, row: tuple) -> None:
        seq, state, record, version, subject = row
        seen = self.order.setdefault((stream, seq), (state, record, version, subject, device.name))
        if seen[:4] != row[1:]:
            self.findings.add("I3", f"{stream} at {seq}: {device.name} saw {record} {version}, {seen[4]} saw {seen[1]} {seen[2]}")
        device.seen[stream].add(seq)
        rows = device.rows[stream]
        if state == LIVE:
            if record in rows and version < rows[record][0]:
                self.findings.add("I4", f"{device.name}: {record} goes back from version {rows[record][0]} to {version}")
            rows[record] = (version, subject)
            device.delivered[stream][record] = subject
        elif state == LEFT:
            for other in [r for r, (_, about) in rows.items() if about == subject]:
                del rows[other]
        else:
            rows.pop(record, None)

    def check_replica(self, device: Device, stream: str, line: dict) -> None:
        """Whole, says the server: then count and digest are those of what was delivered."""
        rows = device.rows[stream]
        digest = 0
        for record, (version, _) in rows.items():
            digest ^= self.row_digest(record, version)
        if (len(rows), digest) != (line["live"], line["digest"]):
            self.findings.add("I5", f"{device.name}: {stream} at {line['head']} has {len(rows)} rows here, {line['live']} there, "
                                    f"digest {'equal' if digest == line['digest'] else 'differs'}")

    digests: dict = {}

    @classmethod
    def row_digest(cls, record: str, version: int) -> int:
        known = cls.digests.get((record, version))
        if known is None:
            known = cls.digests[record, version] = peer.row_digest(bytes.fromhex(record), version)
        return known

    # ---- I1, I2: operations ----

    def check_operations(self) -> None:
        database, findings = self.database, self.findings
        covered = self.covered()
        by_record = defaultdict(list)
        for device in self.devices:
            for place, operation in device.operations.items():
                by_record[operation.id].append(operation)
                self.check_operation(device, place, operation, covered.get((device.device, *place)))
        if database.fact_count != len(database.facts):
            findings.add("I2", f"{database.fact_count - len(database.facts)} facts are there twice")
        for record, fact in database.facts.items():
            if record not in by_record and fact[4] != "superseded":
                findings.add("I2", f"fact {record} of kind {fact[2]} in {fact[0]}: nobody sent it")
        for record, other in database.others.items():
            if other[4] in ("person", "membership") and record not in by_record:
                findings.add("I2", f"{other[4]} {record}: nobody sent it")
        for record, operations in by_record.items():
            if record in database.others:
                self.check_versions(record, operations)

    def covered(self) -> dict:
        """(device, stream, op_seq) -> was it refused?, of all operations that the server has."""
        result = {}
        for stream, device, first, last, _, _, answer in self.database.runs:
            refused = {r.op_seq for r in peer.ledger.PushedGroup.FromString(bytes.fromhex(answer)).refused}
            for op_seq in range(int(first), int(last) + 1):
                if (device, stream, op_seq) in result:
                    self.findings.add("I2", f"operation {op_seq} of {device[:8]} for {stream} stands in two runs")
                result[device, stream, op_seq] = op_seq in refused
        return result

    def is_there(self, operation: Operation) -> bool:
        if operation.what >= history.PERSON:
            return operation.id in self.database.others
        return operation.id in self.database.facts

    def check_operation(self, device: Device, place: tuple, operation: Operation, refused_there) -> None:
        findings, there = self.findings, self.is_there(operation)
        what = f"{device.name}: operation {place[1]} for {place[0]} (kind {operation.what}, {operation.id})"
        if not operation.acknowledged:
            self.counts["unacknowledged"] += 1
            operation.refused = bool(refused_there)
            if operation.what < history.PERSON and refused_there is None and there:
                findings.add("I2", f"{what} is there without its run")
        elif operation.refused:
            self.counts["refused"] += 1
            if there and operation.what < history.PERSON:
                findings.add("I2", f"{what} was refused and is there")
            return
        else:
            self.counts["acknowledged"] += 1
            if refused_there is None:
                findings.add("I1", f"{what} was acknowledged and is in no run")
        if (operation.acknowledged or refused_there is False) and not there and operation.key not in self.database.keys:
            findings.add("I1", f"{what} was {'acknowledged' if operation.acknowledged else 'taken in part'} and is lost")
        if there and operation.what < history.PERSON:
            self.check_content(what, operation)

    def check_content(self, what: str, operation: Operation) -> None:
        fact = self.database.facts[operation.id]
        subject, item, quantity = operation.content
        if (fact[2], fact[3], fact[5], fact[6], int(fact[7])) != (operation.what, operation.of, subject, item, quantity):
            self.findings.add("I1", f"{what} is there with other content: {fact}")
        if operation.what == peer.ledger.SUBMITTED and operation.id not in self.database.submissions:
            self.findings.add("I1", f"{what} is there without its submission")

    def check_versions(self, record: str, operations: list) -> None:
        """Every accepted change has raised the version by one; the newest is there."""
        version = self.database.others[record][2]
        sure = sum(o.acknowledged and not o.refused for o in operations)
        if not sure <= version <= len(operations):
            self.findings.add("I1" if version < sure else "I2",
                              f"{record} has version {version} after {sure} acknowledged of {len(operations)} changes")

    # ---- I7: audit ----

    def check_audit(self) -> None:
        by_device = {d.device: d for d in self.devices}
        expected: dict = {}
        for stream, device, first, last, root, hashes, _ in self.database.runs:
            first, last = int(first), int(last)
            key = (stream, device)
            if first != expected.get(key, 1):
                self.findings.add("I7", f"runs of {device[:8]} for {stream} go on with {first}, expected {expected.get(key, 1)}")
            expected[key] = last + 1
            if hashlib.sha256(bytes.fromhex(hashes)).hexdigest() != root:
                self.findings.add("I7", f"run {first}..{last} of {device[:8]} for {stream}: the root is not that of its hashes")
            client = by_device.get(device)
            if client is None:
                self.findings.add("I2", f"run {first}..{last} of {device[:8]} for {stream}: of a device without a history")
                continue
            for op_seq in range(first, last + 1):
                operation = client.operations.get((stream, op_seq))
                at = (op_seq - first) * 32
                if operation is None:
                    self.findings.add("I2", f"{client.name}: operation {op_seq} for {stream} was never sent")
                elif operation.hash != hashes[at:at + 32]:
                    self.findings.add("I7", f"{client.name}: operation {op_seq} for {stream} has another hash in its run")

    # ---- I3, I5: streams ----

    def check_streams(self) -> None:
        moved = {stream for (stream, _), (_, to) in self.database.left.items() for stream in (stream, to)}
        moved |= {to for _, to in self.database.left.values()}
        for stream, (head, live, digest) in self.database.heads.items():
            rows = self.database.rows[stream]
            records = [(record, version) for record, version, _ in rows.values() if record]
            actual = 0
            for record, version in records:
                actual ^= self.row_digest(record, version)
            if (len(records), actual) != (live, digest):
                self.findings.add("I5", f"head of {stream} says {live} rows, there are {len(records)}; digest "
                                        f"{'equal' if actual == digest else 'differs'}")
            if rows and max(rows) > head:
                self.findings.add("I3", f"{stream} has a row at {max(rows)} above its head {head}")
            written = sum(version for _, version in records)
            if stream not in moved and written != head:
                self.findings.add("I3", f"{stream} is at {head}, but {written} rows were written: numbers are missing")

    def check_device(self, device: Device) -> None:
        allowed = self.database.below(self.unit_id(device.unit)) | {self.database.city}
        for stream, records in device.delivered.items():
            if stream not in allowed:
                self.findings.add("I6", f"{device.name}: got rows of {stream}, which is not its own")
            for record, subject in records.items():
                if not self.belonged(record, subject, stream):
                    self.findings.add("I6", f"{device.name}: got {record} with {stream}, where it never was")
        for stream, cursor in device.cursors.items():
            missing = [s for s, row in self.database.rows[stream].items()
                       if s <= cursor and s not in device.seen[stream] and not (device.state_only and not row[0])]
            for seq in missing:
                self.findings.add("I3", f"{device.name}: never got {seq} of {stream} ({self.database.rows[stream][seq][0]}), "
                                        f"though it is at {cursor}")

    def unit_id(self, code: str) -> str:
        return self.codes()[code]

    def codes(self) -> dict:
        if not hasattr(self, "_codes"):
            self._codes = dict(self.cluster.sql("select code, replace(id::text, '-', '') from unit"))
        return self._codes

    def belonged(self, record: str, subject: str, stream: str) -> bool:
        """Is or was the record in the stream? Its subject's tombstone says so where it left."""
        if (stream, subject) in self.database.left:
            return True
        fact, other = self.database.facts.get(record), self.database.others.get(record)
        return stream == (fact or other or (None,))[0]

    # ---- I7, I8: the tool ----

    def check_figures(self, city: lx.Deployment) -> None:
        result = city.ctl("verify", "--wait", "120", check=False)
        if result.returncode != 0:
            self.findings.add("I8", f"lianxiaoctl verify: {result.stdout[-600:]}{result.stderr[-300:]}")

    def check_chain(self, city: lx.Deployment) -> None:
        """The sealed chain, and rows, facts and roster against it."""
        result = city.ctl("audit", "verify", "--key", city.tls / "audit.pub", check=False)
        if result.returncode != 0:
            self.findings.add("I7", f"lianxiaoctl audit verify: {result.stdout[-600:]}{result.stderr[-300:]}")


def check_city(city: lx.Deployment, folder: Path) -> Checker:
    """All promises of a deployment at rest, by the histories of a folder. Raises AssertionError with what is broken."""
    checker = Checker(city.cluster, sorted(folder.glob("*.jsonl")))
    findings = checker.check(city)
    assert not findings, f"\n{findings}\n{checker.counts}"
    return checker


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__.splitlines()[-1], file=sys.stderr)
        return 2
    checker = Checker(lx.Cluster(Path(sys.argv[1])), [Path(p) for p in sys.argv[2:]])
    findings = checker.check()
    print(findings or "nothing found", checker.counts)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
