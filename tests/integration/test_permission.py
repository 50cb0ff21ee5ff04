"""The permission table (permission.csv, written by hand) in three builds: both layers, the server's alone, SQL's alone.

Every cell is one request of one role at one relation to the unit that the role is held on. A cell that should be refused and is
not is a hole in that layer; one that should be allowed and is not takes somebody's work away. A method without rows fails.
"""
import csv
import itertools
import secrets
import time
from pathlib import Path

import pytest

import lx
from conftest import found_city
from permission_requests import DO, LEVELS, METHODS_OF_A_LOGIN

import office
import peer

account, ledger, wire = peer.account, peer.ledger, peer.wire
HERE = Path(__file__).parent
PLACES = {"head": "3401030001-01", "school_admin": "3401030001", "district_admin": "340103", "city_admin": "340100",
          "expert": "340103", "inspector": "340103", "lead_head": "3401030001"}
ENDED = ("former", "revoked", "expired")
FAMILY = ("own", "parent", "grandparent", "root", "child", "grandchild", "great_grandchild", "sibling", "nephew", "cousin")
OF_A_UNIT = {*FAMILY, "other_city", *ENDED}
OF_A_LOGIN = {"self", *ENDED}
FRESH = itertools.count(1)
# Offices are held when the programme's acts happen, not since the test began.
HELD_SINCE = """create function held_since() returns trigger language plpgsql as $$ begin new.from_at := '2021-07-01'; return new; end $$;
                create trigger held_since before insert on role_grant for each row execute function held_since()"""


def rows():
    with open(HERE / "permission.csv", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


class Tree:
    """units.csv: who stands where."""

    def __init__(self):
        with open(HERE / "units.csv", encoding="utf-8") as file:
            units = list(csv.DictReader(file))
        self.parent = {unit["code"]: unit["parent"] or None for unit in units}
        self.level = {unit["code"]: unit["level"] for unit in units}

    def child(self, code):
        return min((c for c, parent in self.parent.items() if code is not None and parent == code), default=None)

    def sibling(self, code):
        return min((c for c, parent in self.parent.items() if code is not None and parent == self.parent[code] and c != code
                    and parent is not None), default=None)

    def find(self, place: str, relation: str):
        """The unit's code; None when it has no such relation."""
        parent = self.parent[place]
        return {
            "own": place, "parent": parent, "grandparent": self.parent.get(parent), "root": "340100",
            "child": self.child(place), "grandchild": self.child(self.child(place)),
            "great_grandchild": self.child(self.child(self.child(place))), "sibling": self.sibling(place),
            "nephew": self.child(self.sibling(place)), "cousin": self.child(self.sibling(parent) if parent else None),
        }[relation]


class Actor:
    """A login, its role and the unit that it is held on, and the person it is."""

    def __init__(self, connection, role: str, place: str, scope_version: int):
        self.connection, self.role, self.place, self.scope_version = connection, role, place, scope_version
        self.person = connection.person


class World:
    """A city in one build; offices everywhere, things to review in every unit, an actor for every role and way to end."""

    def __init__(self, city: lx.Deployment, folder: Path):
        self.city, self.folder, self.tree = city, folder, Tree()
        self.units = {code: bytes.fromhex(raw) for raw, code in
                      city.cluster.sql("select replace(id::text, '-', ''), code from unit")}
        self.device = office.enrol(city, folder, "340100")
        city.cluster.sql(HELD_SINCE)
        self.keepers = {code: self.login(role, code) for code, role in self.offices()}
        self.teachers = {code: self.add_teacher(code) for code in self.units if self.tree.level[code] in ("school", "workshop")}
        self.submitted = {}
        self.actors = {(role, relation): self.make_actor(role, place, relation)
                       for role, place in PLACES.items() for relation in ("own", *ENDED)}
        city.user("victim", "head", "3401040002-01", office.PASSWORD)
        self.prepare()
        lx.wait_until(self.all_assessed, 60, "every teacher has a standing")

    def offices(self):
        roles = {"workshop": "head", "school": "school_admin", "district": "district_admin"}
        return [(code, roles[level]) for code, level in self.tree.level.items() if level in roles]

    def login(self, role: str, code: str):
        return office.login(self.city, self.folder, role, code, self.device)

    def keeper_of(self, code: str):
        """Of its roster: the school's."""
        return self.keepers[code.split("-")[0]]

    def add_teacher(self, code: str) -> bytes:
        person, roster = office.teacher(self.units[code], next(FRESH))
        assert not self.push(self.keeper_of(code), self.units[code], roster).refused
        return person

    def make_actor(self, role: str, place: str, relation: str) -> Actor:
        connection = self.login(role, place)
        scope = connection.scope()
        if relation == "own":
            roster = office.teacher(self.units["3401030001-01"], next(FRESH), connection.person)[1]
            assert not self.push(self.keepers["3401030001"], self.units["3401030001-01"], roster).refused
        elif relation == "expired":
            self.city.cluster.sql(f"update role_grant set until_at = now() where id = '{scope.grants[0].id.hex()}'")
        else:
            request = account.GrantRevokeRequest(grant=scope.grants[0].id, for_cause=relation == "revoked")
            self.ender().call("GRANT_REVOKE", request, account.GrantRevokeReply)
        if relation != "own":
            lx.wait_until(lambda: not connection.scope().grants, 30, f"the {relation} grant is gone")
        return Actor(connection, role, place, scope.scope_version)

    def ender(self):
        if "340100" not in self.keepers:
            self.keepers["340100"] = self.login("city_admin", "340100")
        return self.keepers["340100"]

    def prepare(self) -> None:
        """What there is to review: a plan and a case in every workshop, a plan in every school."""
        for code, level in self.tree.level.items():
            for item in {"workshop": ("h.plan", "h.case"), "school": ("a.dev_plan",)}.get(level, ()):
                operation = office.submission(self.units[code], item, self.teachers[code])
                answer = self.push(self.keepers[code], self.units[code], [operation])
                assert answer.verdict == ledger.GROUP_DONE and not answer.refused, answer
                self.submitted[code, item] = operation.fact.id

    def push(self, connection, stream: bytes, operations):
        scope = connection.scope()
        first = dict(zip(scope.streams, scope.next_op_seq)).get(stream)
        if first is None:  # not in scope any more, or never
            first = self.next_op(stream, connection.device)
        return connection.push(stream, first, operations)

    def next_op(self, stream: bytes, device) -> int:
        return int(self.city.cluster.sql(f"select coalesce(max(op_to), 0) + 1 from op_run where stream = '{stream.hex()}' "
                                         f"and device = '\\x{device.id.hex()}'")[0][0])

    def all_assessed(self) -> bool:
        subjects = ",".join(f"'{person.hex()}'" for person in self.teachers.values())
        return self.city.cluster.sql(f"select count(distinct subject) from standing where subject in ({subjects})") \
            == [[str(len(self.teachers))]]

    def grant_at(self, code: str, role: int, person: bytes = None) -> bytes:
        """A fresh grant at the unit, of the victim or of somebody else."""
        grant = peer.uuid7()
        whose = f"'{person.hex()}'" if person else "(select a.person from account a where a.account = 'victim')"
        self.city.cluster.sql(f"insert into role_grant (id, person, unit, role, from_at) select '{grant.hex()}', {whose}, u.id, "
                              f"{role}, now() - interval '1 hour' from unit u where u.code = '{code}'")
        return grant

    def close(self) -> None:
        for connection in [*self.keepers.values(), *(actor.connection for actor in self.actors.values())]:
            connection.close()


class Target:
    """What a request is about, as ids: a real unit, one that nobody knows, or the actor himself."""

    def __init__(self, world: World, actor: Actor, relation: str):
        self.relation, self.actor = relation, actor
        code = world.tree.find(actor.place, relation) if relation in FAMILY else \
            None if relation == "other_city" else actor.place
        self.code = code if relation != "self" else "3401030001-01"
        self.exists = self.code is not None or relation == "other_city"
        self.is_known = self.code is not None
        self.level = world.tree.level[self.code] if self.is_known else None
        self.unit = world.units[self.code] if self.is_known else secrets.token_bytes(16)
        self.teacher = actor.person if relation == "self" else world.teachers.get(self.code) or peer.uuid7()

    def submitted(self, world: World, item: str) -> bytes:
        return world.submitted.get((self.code, item)) or peer.uuid7()

    def fits(self, method: str) -> bool:
        """Is there something of the method's kind at the unit's level?"""
        return self.exists and (not self.is_known or self.level in LEVELS.get(method, (self.level,)))


def expected(cell: str, build: str) -> bool:
    return cell == "y" or (cell == "o" and build == "sql_only")


def check_cell(world: World, row: dict, role: str, build: str):
    """What is wrong with it, or None."""
    method, relation = row["method"], row["relation"]
    actor = world.actors[role, relation if relation in ENDED else "own"]
    target = Target(world, actor, relation)
    place = f"{method} {relation} by {role}"
    if (row[role] != "-") != target.fits(method):
        return f"{place}: the table says '{row[role]}', but the target is {target.code}"
    if row[role] == "-":
        return None
    allowed = DO[method](world, actor, target)
    return None if allowed == expected(row[role], build) else f"{place}: {'allowed' if allowed else 'refused'}"


def test_every_method_has_all_its_rows():
    present = {}
    for row in rows():
        present.setdefault(row["method"], []).append(row["relation"])
    methods = {name for name, number in wire.Method.items() if name not in ("METHOD_UNKNOWN", "NUDGE")}
    assert methods == {name.split("_")[0] if name.startswith("PUSH_") else name for name in present}
    assert set(present) == set(DO)
    for method, relations in present.items():
        needed = OF_A_LOGIN if method in METHODS_OF_A_LOGIN else set(ENDED) if method == "PUSH_HOURS_BEFORE" else OF_A_UNIT
        assert needed <= set(relations) <= needed | {"self"}, method
        assert len(relations) == len(set(relations)), method
    assert all(row[role] in ("y", "n", "o", "-") for row in rows() for role in PLACES)


@pytest.mark.parametrize("build", ["both", "server_only", "sql_only"])
def test_every_cell(build, tmp_path):
    with lx.Deployment(checks=build) as city:
        if build == "server_only":
            city.cluster.sql((lx.ROOT / "tests/sql/variants/server_only.sql").read_text(encoding="utf-8"))
        found_city(city)
        world = World(city, tmp_path)
        started = time.monotonic()
        wrong = [check_cell(world, row, role, build) for row in rows() for role in PLACES]
        world.close()
        print(f"{build}: {len(wrong)} cells in {time.monotonic() - started:.0f} s")
        wrong = [text for text in wrong if text is not None]
        assert not wrong, "\n".join(wrong)
