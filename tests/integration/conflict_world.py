"""The city of the table of conflicts (conflicts.csv): two sides, each with a home in either district, that work without a network
at the same time, and the operations that they do, one cell a person.

A cell is a row of the table: `first` is done by side a, which syncs first, `second` by side b. What waits is read out of the homes'
own outboxes, what came of it out of the ledger.
"""
import csv
import shutil
import sqlite3
import threading
from pathlib import Path

import lx
from behaviour import DISTRICT, FOREIGN_WORKSHOP, OTHER_DISTRICT, OTHER_WORKSHOP, SCHOOL, WORKSHOP, write_csv

import office  # noqa: E402  (tests/interop, on the path since behaviour)
import peer  # noqa: E402

ledger = peer.ledger
PASSWORD = "right-horse-7"
AT, LATER = ("--at", "2021-11-15 12:00"), ("--at", "2021-11-16 12:00")
# How each kind of fact is recorded, after its subject.
ADD = {
    "course_interval": ("--item", "A1", "--at", "2021-11-15 12:00", "--until", "2021-11-15 13:00"),
    "discussion": ("--item", "d1", *AT), "attendance": ("--item", "h1", "--quantity", "2", *AT),
    "credit_hours": ("--item", "school", "--quantity", "5", *AT), "self_test": AT,
    "submitted": ("--item", "t.plan", "--title", "计划", "--field", "content=正文", *AT), "accepted": LATER,
    "grade": ("--item", "t.school_based", "--quantity", "10", *AT),
    "certification": ("--item", "A1", "--quantity", "3", *AT), "assessment_taken": ("--item", "g.school_test", *AT),
    "course_range": ("--item", "A1", *AT), "case_selected": LATER, "duty_done": ("--item", "a.survey", *AT),
}
# (No indicator of the programme asks for a teacher's duty.)
OF_THE_SCHOOL = {"course_range", "case_selected", "duty_done"}
# What a row of a platform's file says; the other one of the same record number says the second.
IMPORT = {
    "course_interval": ("course", {"课程": "A1", "开始时间": "2021-11-15 12:00"}, "结束时间", ("2021-11-15 12:40", "2021-11-15 12:50")),
    "discussion": ("discussion", {"讨论主题": "主题"}, "参与时间", ("2021-11-15 12:00", "2021-11-16 12:00")),
    "attendance": ("attendance", {"活动名称": "活动", "活动日期": "2021-11-15"}, "学时", ("2", "3")),
    "credit_hours": ("hours", {"学时类型": "校本研修", "日期": "2021-11-15"}, "学时", ("2", "3")),
    "certification": ("certification", {"能力点": "A1", "认证时间": "2021-11-15"}, "学分", ("2", "3")),
    "self_test": ("self_test", {}, "自测时间", ("2021-11-15 12:00", "2021-11-16 12:00")),
    "assessment_taken": ("assessment", {"测评项目": "g.school_test", "测评时间": "2021-11-15"}, "成绩", ("80", "90")),
}
# What a row of a roster file says instead of what is there.
ROSTER = {
    "change": {"职称": "一级教师"}, "change_other": {"职称": "高级教师"}, "move": {"工作坊": OTHER_WORKSHOP}, "move_away": {"工作坊": ""},
    "leave": {"离开日期": "2021-10-01"}, "leave_later": {"离开日期": "2021-11-01"},
    "new": {}, "new_other": {"职称": "高级教师"}, "new_elsewhere": {"工作坊": OTHER_WORKSHOP},
}
HELD_SINCE = """create function held_since() returns trigger language plpgsql as $$ begin new.from_at := '2021-07-01'; return new; end $$;
                create trigger held_since before insert on role_grant for each row execute function held_since()"""
TWO_COPIES = "two copies of this device are at work"
PLACES = {WORKSHOP: "home", OTHER_WORKSHOP: "other", SCHOOL: "school", FOREIGN_WORKSHOP: "away"}


def rows() -> list:
    with open(Path(__file__).with_name("conflicts.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Cell:
    """One row of the table, and the person or record that both sides change."""

    def __init__(self, row: dict, number: int):
        self.row, self.kind = row, row["record"]
        self.operations = (row["first"], row["second"])
        self.name, self.account = f"冲突{number}号", f"conflict{number}"
        self.person = b""
        self.record = ""   # fact that both take back
        self.of = ""       # what was handed in
        self.transfer = ""
        self.facts: tuple = ([], [])  # that each side has made

    def __str__(self) -> str:
        return f"{self.kind}: {' then '.join(self.operations)}"

    @property
    def subject(self) -> str:
        return SCHOOL if self.kind in OF_THE_SCHOOL else self.account

    def does(self, *operations: str) -> bool:
        return any(operation in self.operations for operation in operations)

    def roster_row(self, changes: dict) -> dict:
        return {"学校": SCHOOL, "工作坊": WORKSHOP, "姓名": self.name, "平台账号": self.account, "教师资格证": "是", "在岗": "是", "在编": "是",
                "职称": "", "起始日期": "2021-09-01", "离开日期": "", **changes}

    def concerns(self, side: int, operation) -> bool:
        if operation.HasField("fact"):
            return operation.fact.id.hex() in self.facts[side] or operation.fact.subject == self.person
        which = operation.transfer if operation.HasField("transfer") else operation.membership
        return (operation.person.id if operation.HasField("person") else which.person) == self.person


class Side:
    """Three accounts with a device each: the offices where all begins, the other district, and who hands a workshop's cases in."""

    OFFICES = ((("district_admin", DISTRICT), ("school_admin", SCHOOL), ("head", WORKSHOP)), (("district_admin", OTHER_DISTRICT),),
               (("head", OTHER_WORKSHOP),))

    def __init__(self, world: "World", number: int, devices: str = "two"):
        self.world, self.number, self.devices = world, number, devices
        if devices == "clone":
            self.homes = [self.copy(home) for home in world.sides[0].homes]
        else:
            self.homes = [self.sit(offices) for offices in self.OFFICES]
        self.home, self.away, self.author = self.homes

    def account(self, offices: tuple) -> str:
        return f"side{self.number if self.devices == 'two' else 0}.{offices[0][1]}"

    def sit(self, offices: tuple) -> lx.Home:
        name = self.account(offices)
        if self.devices == "two":
            self.world.city.user(name, *offices[0], PASSWORD)
            for role, unit in offices[1:]:
                self.world.city.ctl("grant", name, role, unit)
        return self.world.city.home().enrol(offices[0][1]).login(name, PASSWORD)

    def copy(self, home: lx.Home) -> lx.Home:
        other = self.world.city.home()
        shutil.copytree(home.folder, other.folder)
        return other

    def sync(self) -> None:
        for home, offices in zip(self.homes, self.OFFICES):
            home.run("sync", check=False)
            if self.devices == "clone" and TWO_COPIES in home.run("outbox").stdout:
                home.enrol(offices[0][1]).login(self.account(offices), PASSWORD)

    # ---- operations ----

    def do_all(self, cells: list) -> None:
        """This side's half of every cell, without a network."""
        self.import_files([cell for cell in cells if cell.operations[self.number].startswith("import")])
        self.bring([(cell, ROSTER[cell.operations[self.number]]) for cell in cells if cell.operations[self.number] in ROSTER])
        for cell in cells:
            operation = cell.operations[self.number]
            if operation in ROSTER or operation.startswith("import"):
                continue
            getattr(self, operation)(cell)

    def bring(self, changes: list) -> None:
        if changes:
            file = write_csv(self.world.folder / f"roster-{self.number}.csv", [cell.roster_row(change) for cell, change in changes])
            told = self.home.json("roster", "import", file, "--apply")
            assert told["counts"]["bad"] == 0, told

    def import_files(self, cells: list) -> None:
        for kind, (name, fixed, column, values) in IMPORT.items():
            rows = [{"平台账号": cell.account, "记录号": cell.account, **fixed,
                     column: values[cell.operations[self.number] == "import_other"]} for cell in cells if cell.kind == kind]
            if rows:
                file = write_csv(self.world.folder / f"{kind}-{self.number}.csv", rows)
                self.home.run("record", "import", file, "--kind", name)

    def record(self, cell: Cell, *words, home=None) -> str:
        made = (home or self.home).json("record", *words)["id"]
        cell.facts[self.number].append(made.replace("-", ""))
        return made

    def add(self, cell: Cell) -> str:
        of = ("--of", cell.of) if cell.of else ()
        words = ("--item", "h.case", "--quantity", "30", *LATER) if cell.kind == "grade" and cell.of else ADD[cell.kind]
        subject = OTHER_WORKSHOP if cell.kind == "grade" and cell.of else cell.subject
        return self.record(cell, "add", cell.kind, subject, *words, *of)

    def void(self, cell: Cell) -> None:
        self.record(cell, "void", cell.record)

    def void_of(self, cell: Cell) -> None:
        self.record(cell, "void", cell.of, home=None if cell.kind == "accepted" else self.author)

    def out(self, cell: Cell) -> str:
        return self.home.json("transfer", "out", cell.account, "--to", OTHER_DISTRICT)["transfer"]

    def take_in(self, cell: Cell) -> None:
        self.away.run("transfer", "in", cell.transfer, "--unit", FOREIGN_WORKSHOP)

    def take_back(self, cell: Cell) -> None:
        self.home.run("transfer", "in", cell.transfer, "--unit", WORKSHOP)

    # ---- what it is told ----

    def told(self) -> list:
        """Of every entry: the operation, and what `lianxiao outbox` says of it."""
        entries = []
        for home in self.homes:
            with sqlite3.connect(f"file:{home.folder}/lianxiao.db?mode=ro", uri=True) as db:
                operations = {number: (ledger.Operation.FromString(operation), reason) for number, operation, reason in
                              db.execute("select id, operation, reason from outbox")}
            for entry in home.json("outbox", "--all"):
                operation, reason = operations[entry["id"]]
                number = peer.wire.Reason.FromString(reason).reason if reason else None
                silent = entry["state"] in ("refused", "blocked") and not entry["reason"]
                entries.append((operation, "silent" if silent else f"{entry['state']} {number}" if number else entry["state"]))
        return entries


class World:
    """Everything is prepared, then both sides work on their own; `settle` brings it together."""

    def __init__(self, city: lx.Deployment, folder: Path, table: list, devices: str = "two"):
        self.city, self.folder, self.devices = city, folder, devices
        city.cluster.sql(HELD_SINCE)
        self.cells = [Cell(row, number) for number, row in enumerate(table)]
        self.keeper = office.login(city, folder, "head", OTHER_WORKSHOP)
        self.sides = [Side(self, 0)]
        if devices != "clone":
            self.sides.append(Side(self, 1, devices))
        self.prepare()
        if devices == "clone":
            self.sides.append(Side(self, 1, devices))

    def prepare(self) -> None:
        first = self.sides[0]
        first.home.run("sync")
        first.bring([(cell, {}) for cell in self.cells if not cell.does("new", "new_other", "new_elsewhere")])
        first.home.run("sync")
        for cell in self.cells:
            self.hand_in(cell)
        first.home.run("sync")
        for cell in self.cells:
            if cell.does("void"):
                cell.record = first.add(cell)
                cell.facts[0].clear()
            if cell.does("take_in", "take_back"):
                cell.transfer = first.out(cell)
        self.together(lambda side: side.sync())
        lx.wait_until(self.news_are_there, 60, "the news of the transfers")
        self.people()

    def hand_in(self, cell: Cell) -> None:
        """What is reviewed: a teacher's plan, a workshop's case."""
        if cell.kind == "accepted":
            cell.of = self.sides[0].home.json("record", "add", "submitted", cell.account, *ADD["submitted"])["id"]
        elif cell.kind == "case_selected" or (cell.kind == "grade" and cell.does("void_of")):
            unit = office.unit_id(self.city, OTHER_WORKSHOP)
            operation = office.submission(unit, "h.case", self.author())
            scope = self.keeper.scope()
            answer = self.keeper.push(unit, dict(zip(scope.streams, scope.next_op_seq))[unit], [operation])
            assert not answer.refused, answer
            cell.of = self.uuid(operation.fact.id)

    @staticmethod
    def uuid(raw: bytes) -> str:
        text = raw.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def author(self) -> bytes:
        """A teacher of the workshop that hands the cases in."""
        if not hasattr(self, "teacher"):
            unit = office.unit_id(self.city, OTHER_WORKSHOP)
            with office.login(self.city, self.folder, "school_admin", SCHOOL) as connection:
                self.teacher, roster = office.teacher(unit, 99999)
                assert not connection.push(unit, 1, roster).refused
        return self.teacher

    def news_are_there(self) -> bool:
        self.together(lambda side: side.sync())
        wanted = {cell.transfer for cell in self.cells if cell.transfer}
        return all(wanted <= {row["transfer"] for row in home.json("transfer", "list")} for side in self.sides for home in (side.home, side.away))

    def people(self) -> None:
        known = dict(self.city.cluster.sql(
            "select account, replace(id::text, '-', '') from person union all "
            "select body #>> '{person,account}', replace(person::text, '-', '') from transit_package where body is not null"))
        for cell in self.cells:
            cell.person = bytes.fromhex(known.get(cell.account, ""))

    def together(self, work) -> None:
        """Both sides at once."""
        faults: list = []

        def guarded(side) -> None:
            try:
                work(side)
            except BaseException as fault:  # noqa: BLE001  (raised below)
                faults.append(fault)

        threads = [threading.Thread(target=guarded, args=(side,)) for side in self.sides]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if faults:
            raise faults[0]

    def settle(self) -> None:
        """Side a arrives first; then both hear of each other."""
        for _ in range(2):
            for side in self.sides:
                side.sync()
        self.people()

    def outcome(self) -> list:
        """Of each cell: what each side is told, and what is."""
        told = [side.told() for side in self.sides]
        finals = self.finals()
        return [(*(self.told_of(cell, side, told[side]) for side in range(2)), finals[cell]) for cell in self.cells]

    def told_of(self, cell: Cell, side: int, entries: list) -> str:
        return " + ".join(state for operation, state in entries if cell.concerns(side, operation)
                          and operation.SerializeToString() not in self.prepared[side]) or "nothing"

    def start(self) -> None:
        self.prepared = [{operation.SerializeToString() for operation, _ in side.told()} for side in self.sides]
        self.together(lambda side: side.do_all(self.cells))

    def finals(self) -> dict:
        facts = self.city.cluster.sql("""
            select replace(f.id::text, '-', ''), replace(f.subject::text, '-', ''), f.kind,
              exists (select from fact v where v.kind = 14 and v.of_id = f.id), coalesce(replace(f.of_id::text, '-', ''), '') from fact f""")
        people = {row[0]: row[1:] for row in self.city.cluster.sql("""
            select p.account, coalesce(p.title, '-'), u.code,
              (select count(*) from membership m where m.person = p.id and m.role = 1 and m.until_at is null)
            from person p join unit u on u.id = p.stream""")}
        return {cell: self.final(cell, facts, people) for cell in self.cells}

    def final(self, cell: Cell, facts: list, people: dict) -> str:
        ours = {fact for side in cell.facts for fact in side} | {cell.record.replace("-", "")}
        mine = [row for row in facts if row[0] in ours or (row[1] == cell.person.hex() and cell.kind not in OF_THE_SCHOOL and row[0] !=
                                                            cell.of.replace("-", "") and cell.person)]
        told = f"{sum(row[2] != '14' and row[3] == 'f' for row in mine)} live"
        voided = sum(row[2] != "14" and row[3] == "t" for row in mine)
        told += f" {voided} void" if voided else ""
        if cell.kind in OF_THE_SCHOOL or cell.subject == SCHOOL:
            return told
        if cell.account not in people:
            return "under way"
        title, unit, places = people[cell.account]
        words = [told] if mine else []
        return ", ".join(words + ([title] if title != "-" else []) + [PLACES.get(unit, unit)] + ([] if places == "1" else [f"{places} places"]))
