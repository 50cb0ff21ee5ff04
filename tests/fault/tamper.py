"""A database superuser at work on the audit: a city with histories, and thousands of ways to change them behind the server's back.

    with Bench(deployment, folder, seed) as bench:
        bench.look()                  # nothing is wrong: []
        for name, tables in bench.tamperings(random.Random(7)): ...

Each tampering is written, looked for by `lianxiaoctl audit verify` with heads that were exported before the last part of the
history, and taken back.
"""
import hashlib
import json
import random
import struct
import subprocess
import time
from pathlib import Path

import audit_columns
import load
import lx

TABLES = ["op_run", "audit", "seal", "fact", "submission", "membership", "person", "head", "seal_cursor", "role_grant", "device", "account", "unit",
          "programme", "scheme", "role_capability"]
FREE = audit_columns.uncovered()
NUMBERS = {"int2", "int4", "int8"}


class Superuser:
    """One psql that stays, so that a tampering costs milliseconds."""

    def __init__(self, cluster: lx.Cluster):
        self.process = subprocess.Popen(
            [str(lx.ROOT / "deploy/cluster"), "psql", str(cluster.folder), "-tA", "-F", "\t", "-v", "ON_ERROR_STOP=0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.run("set search_path = lx; set session_replication_role = replica; set client_min_messages = error")

    def run(self, sql: str) -> list[list[str]]:
        """Rows; ValueError: the database said no (nothing is changed, each call is one transaction)."""
        self.process.stdin.write(f"begin;\n{sql};\ncommit;\n\\echo :ERROR :LAST_ERROR_SQLSTATE =end=\n")
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline()
            assert line, "psql has ended"
            if line.endswith("=end=\n"):
                break
            lines.append(line.rstrip("\n"))
        errors = [line for line in lines if "ERROR:" in line]
        if errors:
            raise ValueError(errors[0])
        return [line.split("\t") for line in lines if line]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Bench:
    """A city with some history in it whose server is stopped, a copy of its tables, and an export of heads from before the end."""

    def __init__(self, city: lx.Deployment, folder: Path, seed: int, fill: str = ""):
        """`fill`: what else is written before the copy of what is to be tampered with."""
        self.city = city
        self.heads = folder / "heads"
        self.key = city.tls / "audit.pub"
        load.build_town(city)
        city.server.start()
        seats = load.Town(city).seats(folder, 4)
        with load.Fleet(seats, folder / "histories", seed, processes=1) as fleet:
            fleet.await_acknowledged(150)
            self.sql = Superuser(city.cluster)
            self.tables = [t for (t,) in self.sql.run("select tablename from pg_tables where schemaname = 'lx' order by 1")]
            self.copy("early")
            fleet.await_acknowledged(50)
            self.wait_for_seals()
            city.ctl("audit", "export", self.heads, "--key", self.key)
            self.exported = {int(d): int(n) for d, n in self.sql.run("select district, max(number) from seal group by 1")}
            fleet.await_acknowledged(30)
            fleet.finish()
        city.server.stop()
        self.erase()
        if fill:
            self.sql.run(fill)
        self.keys = dict(self.sql.run("""select c.relname, string_agg(a.attname, ', ' order by a.attnum) from pg_constraint k
            join pg_class c on c.oid = k.conrelid join pg_attribute a on a.attrelid = c.oid and a.attnum = any(k.conkey)
            where k.contype = 'p' and c.relnamespace = 'lx'::regnamespace group by 1"""))
        self.columns = {}
        for table, column, kind, nullable in self.sql.run(
                "select table_name, column_name, udt_name, is_nullable from information_schema.columns where table_schema = 'lx'"):
            self.columns.setdefault(table, []).append((column, kind, nullable == "YES"))
        self.copy("late")
        self.drop_checks()

    def wait_for_seals(self) -> None:
        lx.wait_until(lambda: self.sql.run("select count(*) > 0 from seal where runs > 0")[0][0] == "t", 60, "seals")

    def erase(self) -> None:
        """One submission loses its body as the product does it, and is sealed; the server seals it when it starts and ends."""
        self.city.server.start()
        fact = self.sql.run("select fact from submission order by fact limit 1")
        assert fact, "the load hands something in"
        self.sql.run(f"""update submission set body = null, erased_at = now() where fact = '{fact[0][0]}';
            insert into audit (district, id, at, operator, action, target)
            select district, uuid7(), erased_at, 'root', 'submission_erase', fact::text from submission where fact = '{fact[0][0]}'""")
        lx.wait_until(lambda: self.sql.run("select count(*) from audit where seal is null") == [["0"]], 60, "the erasure is sealed")
        self.city.server.stop()

    def copy(self, schema: str) -> None:
        tables = "; ".join(f"create table {schema}.{t} as select * from lx.{t}" for t in self.tables)
        self.sql.run(f"create schema {schema}; {tables}")

    def drop_checks(self) -> None:
        """A superuser is not held by constraints."""
        for table, name in self.sql.run("""select conrelid::regclass::text, conname from pg_constraint
                                           where connamespace = 'lx'::regnamespace and contype in ('c', 'f')"""):
            if table.split(".")[-1] in self.tables:
                self.sql.run(f"alter table {table} drop constraint {name}")

    def restore(self, tables: list, schema: str = "late") -> None:
        self.sql.run("; ".join(f"delete from {t}; insert into {t} select * from {schema}.{t}" for t in tables))

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_) -> None:
        self.sql.close()

    def look(self) -> list:
        """Findings of the verification against the earlier heads."""
        result = self.city.ctl("audit", "verify", "--json", "--from", self.heads, "--key", self.key, check=False)
        assert result.returncode in (0, 4), f"{result.returncode} {result.stdout} {result.stderr}"
        told = json.loads(result.stdout)
        assert (told["wrong"] > 0) == (result.returncode == 4) and bool(told["findings"]) == (told["wrong"] > 0), told
        return told["findings"]

    # ---- the tamperings: each returns what it has done and the tables that it has touched ----

    def tamper(self, rng: random.Random) -> tuple[str, list]:
        """One that the database has let through and that changed something."""
        ways = [self.edit] * 10 + [self.delete] * 3 + [self.insert] * 3 + [self.swap] * 3 + \
               [self.truncate, self.rechain, self.rechain, self.roll_back, self.reorder, self.move_fact, self.hide_edit]
        while True:
            way = rng.choice(ways)
            try:
                name, tables = way(rng)
            except ValueError:
                continue
            if any(self.changed(t) for t in tables):
                return f"{way.__name__}: {name}", tables
            self.restore(tables)

    def changed(self, table: str) -> bool:
        return self.sql.run(f"select exists ((table {table} except all table late.{table}) union all (table late.{table} except all table {table}))"
                            )[0][0] == "t"

    def pick(self, rng: random.Random, table: str, where: str = "true") -> str:
        """The condition that names one row."""
        rows = self.sql.run(f"select {self.keys[table]} from late.{table} where {where} order by {self.keys[table]}")
        if not rows:
            raise ValueError(f"{table} is empty")
        names = self.keys[table].split(", ")
        return " and ".join(f"{name} = '{value}'" for name, value in zip(names, rng.choice(rows)))

    def value(self, rng: random.Random, column: str, kind: str, nullable: bool) -> str:
        """Another value for the column, as SQL over the old one."""
        if nullable and rng.random() < 0.15:
            return f"case when {column} is null then {self.fresh(rng, kind)} end"
        at = f"({rng.randrange(10 ** 6)} % octet_length({column}))::int4"  # the byte that is changed
        change = {
            "bool": f"not {column}", "uuid": f"'{self.uuid(rng)}'", "text": f"{column} || 'x'",
            "jsonb": f"{column} || '{{\"x\": {rng.randrange(9)}}}'",
            "date": f"{column} + {rng.randint(1, 99)}", "interval": f"{column} + interval '1 second'",
            "_uuid": f"{column} || '{self.uuid(rng)}'::uuid",
            "timestamptz": f"{column} + interval '{rng.choice(['1 microsecond', '-1 millisecond', '1 day'])}'",
            "bytea": f"case when octet_length({column}) = 0 then '\\x00'::bytea else set_byte({column}, {at}, "
                     f"(get_byte({column}, {at}) + {rng.randint(1, 255)}) % 256) end",
        }
        if kind in NUMBERS:
            old = f"{column} + {rng.choice([-1, 1, 2, 100])}"
        else:
            old = change[kind]
        return f"coalesce({old}, {self.fresh(rng, kind)})"

    def other(self, column: str, kind: str) -> str:
        """Always the same other value, whether it was null or not."""
        if kind in NUMBERS:
            return f"coalesce({column}, 0) + 1000"
        return self.value(random.Random(1), column, kind, False)

    def fresh(self, rng: random.Random, kind: str) -> str:
        values = {"bool": "true", "uuid": f"'{self.uuid(rng)}'", "text": "'x'", "jsonb": "'{}'", "bytea": "'\\x01'",
                  "timestamptz": "now()", "date": "now()::date", "interval": "'1 second'", "_uuid": "'{}'"}
        return f"{values.get(kind, str(rng.randint(0, 99)))}::{kind}"

    @staticmethod
    def uuid(rng: random.Random) -> str:
        return hashlib.md5(str(rng.random()).encode()).hexdigest()

    def table(self, rng: random.Random) -> str:
        return rng.choice(TABLES[:6] * 3 + TABLES[6:])

    def edit(self, rng: random.Random) -> tuple[str, list]:
        table = self.table(rng)
        column, kind, nullable = rng.choice([c for c in self.columns[table] if (table, c[0]) not in FREE])
        row, value = self.pick(rng, table), self.value(rng, column, kind, nullable)
        if (table, column) == ("fact", "seq"):
            row = self.pick(rng, "fact", SEATED)
        self.sql.run(f"update {table} set {column} = {value} where {row}")
        return f"{table}.{column} = {value} where {row}", [table]

    def delete(self, rng: random.Random) -> tuple[str, list]:
        table = rng.choice(["op_run", "audit", "seal", "fact", "submission", "membership", "person"])
        row = self.pick(rng, table)
        self.sql.run(f"delete from {table} where {row}")
        return f"{table} where {row}", [table]

    def insert(self, rng: random.Random) -> tuple[str, list]:
        """A copy of a row under another key, as if it had been there."""
        table, changes = rng.choice([
            ("op_run", f"device = sha256('{rng.random()}'), received_at = received_at - interval '2 hours'"),
            ("op_run", "op_to = op_to - 1, op_from = op_from - 1"), ("op_run", "stream = person"),
            ("audit", f"id = '{self.uuid(rng)}'"), ("audit", f"id = '{self.uuid(rng)}', action = 'grant'"),
            ("audit", f"id = '{self.uuid(rng)}', seal = null, at = at - interval '2 hours'"),
            ("seal", "number = number + 10000"), ("fact", f"id = '{self.uuid(rng)}', seq = seq + 1000000"),
            ("fact", f"id = '{self.uuid(rng)}', seq = seq + 1000000, quantity = 100"),
            ("submission", f"fact = '{self.uuid(rng)}'"), ("membership", f"id = '{self.uuid(rng)}', seq = seq + 1000000"),
            ("person", f"id = '{self.uuid(rng)}', seq = seq + 1000000, teacher_no = null, account = null")])
        row = self.pick(rng, table)
        self.sql.run(f"create temp table one on commit drop as select * from {table} where {row}; update one set {changes}; "
                     f"insert into {table} table one")
        return f"{table} like {row}: {changes}", [table]

    def swap(self, rng: random.Random) -> tuple[str, list]:
        """Two rows keep their keys and change what they say, all of it or a part."""
        table = rng.choice(["op_run", "audit", "seal", "fact", "submission", "membership"])
        keys = self.keys[table].split(", ")
        columns = [c for c, _, _ in self.columns[table] if c not in keys and (table, c) not in FREE | {("fact", "seq")}]
        columns = rng.choice([columns, rng.sample(columns, 1), rng.sample(columns, 2)])
        first, second = self.pick(rng, table), self.pick(rng, table)
        sets = ", ".join(f"{c} = o.{c}" for c in columns)
        self.sql.run(f"update {table} t set {sets} from late.{table} o where "
                     f"({self.named('t', first)} and {self.named('o', second)}) or ({self.named('t', second)} and {self.named('o', first)})")
        return f"{table} ({', '.join(columns)}) of {first} and {second}", [table]

    @staticmethod
    def named(alias: str, row: str) -> str:
        return " and ".join(f"{alias}.{part}" for part in row.split(" and "))

    def reorder(self, rng: random.Random) -> tuple[str, list]:
        district, newest = self.chain(rng, 2)
        first = rng.randint(1, newest - 1)
        self.sql.run(f"""update seal set number = -number where district = {district} and number in ({first}, {first + 1});
            update seal set number = case -number when {first} then {first + 1} else {first} end where district = {district} and number < 0""")
        return f"seals {first} and {first + 1} of district {district}", ["seal"]

    def chain(self, rng: random.Random, least: int) -> tuple[int, int]:
        return rng.choice([(d, n) for d, n in sorted(self.exported.items()) if n >= least])

    def truncate(self, rng: random.Random) -> tuple[str, list]:
        """The chain from some seal on is gone, and its rows as if they had never been sealed, or gone with it."""
        district, newest = self.chain(rng, 1)
        keep = rng.randrange(newest)
        sql = f"delete from seal where district = {district} and number > {keep}"
        if rng.random() < 0.5:
            sql += f"; update audit set seal = null, at = now() where district = {district} and seal > {keep}"
        else:
            sql += f"; delete from audit where district = {district} and seal > {keep}"
        self.sql.run(sql)
        return f"district {district} behind seal {keep}", ["seal", "audit"]

    def roll_back(self, rng: random.Random) -> tuple[str, list]:
        """Everything is as it was at an earlier moment, before the heads were exported."""
        tables = rng.choice([TABLES, ["op_run", "audit", "seal", "seal_cursor", "head"], ["fact", "submission"], ["membership", "person"]])
        self.restore(tables, "early")
        return f"{', '.join(tables)} as they were", tables

    def hide_edit(self, rng: random.Random) -> tuple[str, list]:
        """A fact is changed or removed together with what its run says of it."""
        row = self.pick(rng, "fact", "form is distinct from 'superseded'")
        change = rng.choice([f"update fact set quantity = coalesce(quantity, 0) + 100 where {row}", f"delete from fact where {row}"])
        self.sql.run(f"""{change};
            update op_run o set contents = '', stored = 0 from late.fact f
            where {self.named('f', row)} and f.actor = o.person and f.received_at = o.received_at""")
        return f"{change} with its run", ["fact", "op_run"]

    def move_fact(self, rng: random.Random) -> tuple[str, list]:
        """A fact goes to another stream, both heads as if it had moved."""
        row = self.pick(rng, "fact")
        fact, old, district = self.sql.run(f"select id, stream, district from late.fact where {row}")[0]
        new = rng.choice(self.sql.run(f"select stream from late.head where district = {district} and stream <> '{old}'"))[0]
        share = f"row_digest('{fact}', 1)"
        self.sql.run(f"""update head set head = head + 1, live = live + 1, digest = digest # {share} where stream = '{new}';
            update head set live = live - 1, digest = digest # {share} where stream = '{old}';
            update fact set stream = '{new}', seq = (select head from head where stream = '{new}') where {row};
            update submission set stream = '{new}' where fact = '{fact}'""")
        return f"fact {fact} to {new}", ["fact", "head", "submission"]

    # ---- a chain that adds up, made without the key ----

    def rechain(self, rng: random.Random) -> tuple[str, list]:
        """A sealed row is changed, and every seal from its own on is computed anew; only the signature can't be made."""
        kind = rng.choice(["run", "action"])
        if kind == "run":
            row = self.pick(rng, "op_run")
            sql = f"update op_run set person = '{self.uuid(rng)}', refused = refused + 1 where {row}"
            leaf = RUN_LEAF
        else:
            row = self.pick(rng, "audit")
            sql = f"update audit set action = 'renew', target = 'x' where {row}"
            leaf = ACTION_LEAF
        table = "op_run" if kind == "run" else "audit"
        old = self.sql.run(f"select district, encode({leaf}, 'hex') from {table} r where {self.named('r', row)}")[0]
        self.sql.run(sql)
        new = self.sql.run(f"select encode({leaf}, 'hex') from {table} r where {self.named('r', row)}")[0][0]
        steal = rng.random() < 0.5  # or the signature of another seal
        self.forge(int(old[0]), bytes.fromhex(old[1]), bytes.fromhex(new), steal)
        return f"{sql}, chain computed anew", [table, "seal"]

    def forge(self, district: int, old: bytes, new: bytes, steal: bool) -> None:
        before, changed, sets = bytes(32), False, []
        for number, at, runs, actions, root, key, entries in self.sql.run(
                f"""select number, (extract(epoch from sealed_at) * 1000000)::int8, runs, actions, encode(root, 'hex'), encode(key, 'hex'),
                    encode(entries, 'hex') from seal where district = {district} order by number"""):
            entries, root = bytes.fromhex(entries), bytes.fromhex(root)
            if old in entries:
                changed = True
                entries = entries.replace(old, new)
                root = tree([e[-32:] for e in split(entries)])
            numbers = struct.pack(">iiqqii", 1, district, int(number), int(at), int(runs), int(actions))
            digest = hashlib.sha256(b"lianxiao seal 1" + numbers + before + root + bytes.fromhex(key)).digest()
            if changed:
                sets.append(f"update seal set previous = '\\x{before.hex()}', root = '\\x{root.hex()}', hash = '\\x{digest.hex()}', "
                            f"entries = '\\x{entries.hex()}' where district = {district} and number = {number}")
            before = digest
        assert changed, "the leaf that SQL has computed is in no seal"
        if steal:
            sets.append(f"update seal s set signature = o.signature from late.seal o where s.district = {district} and o.district = {district} "
                        "and o.number = s.number % 2 + 1")
        self.sql.run("; ".join(sets))


# Facts whose place follows from their run: their subject has never moved, nor anybody else's of the run.
SEATED = """not exists (select from lx.op_run o join lx.fact g on g.actor = o.person and g.received_at = o.received_at
  join lx.membership m on m.person = g.subject
  where o.person = lx_fact.actor and o.received_at = lx_fact.received_at
  and (m.version > 1 or (select count(*) from lx.membership n where n.person = m.person) > 1 or g.stream <> o.stream))""".replace(
    "lx_fact", "fact")


def value_of(expression: str) -> str:
    return f"coalesce(int4send(octet_length({expression})) || {expression}, '\\xffffffff')"


def leaf_of(letter: str, columns: list) -> str:
    return "sha256('\\x00'::bytea || '" + letter + "'::bytea || " + " || ".join(map(value_of, columns)) + ")"


def time_of(column: str) -> str:
    return f"int8send(((extract(epoch from {column}) - 946684800) * 1000000)::int8)"


def text_of(column: str) -> str:
    return f"convert_to({column}, 'UTF8')"


RUN_LEAF = leaf_of("R", ["int4send(r.district)", "uuid_send(r.stream)", "r.device", "int8send(r.op_from)", "int8send(r.op_to)",
                         "int8send(r.seq_from)", "int8send(r.scope_version)", time_of("r.received_at"), "int4send(r.stored)",
                         "int4send(r.refused)", "int4send(r.flags)", "uuid_send(r.person)", "r.root", "r.hashes", "r.answer",
                         "r.contents", "r.changes"])
ACTION_LEAF = leaf_of("A", ["int4send(r.district)", "uuid_send(r.id)", time_of("r.at"), "uuid_send(r.actor)", text_of("r.operator"),
                            "r.device", text_of("r.action"), "uuid_send(r.unit)", text_of("r.target"), text_of("r.detail::text")])


def split(entries: bytes) -> list:
    parts, at = [], 0
    while at < len(entries):
        size = 17 + 1 + entries[at + 17] + 8 + 32 if entries[at] == 1 else 17 + 32
        parts.append(entries[at:at + size])
        at += size
    return parts


def tree(leaves: list) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree(leaves[:left]) + tree(leaves[left:])).digest()


def tamper_and_look(city: lx.Deployment, folder: Path, seed: int, more) -> dict:
    """Tampers while more(done) says so. Returns the counts; AssertionError: one was not found, or something was found before or after."""
    rng = random.Random(seed)
    done, kinds = 0, {}
    with Bench(city, folder, seed) as bench:
        assert bench.look() == [], "nothing has been tampered with"
        while more(done):
            name, tables = bench.tamper(rng)
            assert bench.look(), f"tampering {done + 1} of seed {seed} was not found: {name}"
            bench.restore(tables)
            done += 1
            kinds[name.split(":")[0]] = kinds.get(name.split(":")[0], 0) + 1
        assert bench.look() == [], "everything is as it was"
    return {"tamperings": done, "not_found": 0, **{f"tamper_{kind}": n for kind, n in sorted(kinds.items())}}


def timed(seconds: float, least: int):
    end = time.monotonic() + seconds
    return lambda done: done < least or time.monotonic() < end
