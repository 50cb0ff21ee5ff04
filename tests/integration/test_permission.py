"""The permission table (permission.csv, written by hand) in three builds: both layers, the server's alone, SQL's alone.

Every cell is one request of one role at one unit. A cell that should be refused and is not is a hole in that layer.
"""
import csv
import itertools
import sys
import time
from pathlib import Path

import pytest

import lx
from conftest import found_city

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import office  # noqa: E402
import peer  # noqa: E402

wire, ledger, account = peer.wire, peer.ledger, peer.account
TABLE = Path(__file__).parent / "permission.csv"
PLACES = {"head": "3401030001-01", "school_admin": "3401030001", "district_admin": "340103", "city_admin": "340100",
          "expert": "340103", "inspector": "340103",
          "lead_head": "3401030001", "former": "3401030001-01", "nobody": "3401040002-01"}
ROLES = {"former": "head", "nobody": "head"}
FRESH = itertools.count(1)


def cells():
    with open(TABLE, encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


class World:
    """A city in one build, a connection for every role, a teacher in every workshop."""

    def __init__(self, city, folder: Path):
        self.city = city
        self.units = {code: bytes.fromhex(raw) for raw, code in
                      city.cluster.sql("select replace(id::text, '-', ''), code from unit")}
        self.connections = {name: office.login(city, folder, ROLES.get(name, name), place)
                            for name, place in PLACES.items()}
        self.teachers = {}
        for code in {row["unit"] for row in cells() if "-" in row["unit"]}:
            person, roster = office.teacher(self.units[code], next(FRESH))
            with office.login(city, folder, "school_admin", code.split("-")[0]) as keeper:
                assert not keeper.push(self.units[code], 1, roster).refused
            self.teachers[code] = person
        city.user("victim", "head", PLACES["nobody"], office.PASSWORD)
        self.end_former()
        lx.wait_until(self.all_assessed, 30, "every teacher has a standing")

    def all_assessed(self) -> bool:
        subjects = ",".join(f"'{person.hex()}'" for person in self.teachers.values())
        return self.city.cluster.sql(f"select count(distinct subject) from standing where subject in ({subjects})") \
            == [[str(len(self.teachers))]]

    def end_former(self):
        former = self.connections["former"]
        grant = former.scope().grants[0].id
        city_admin = self.connections["city_admin"]
        city_admin.call("GRANT_REVOKE", account.GrantRevokeRequest(grant=grant, for_cause=True), account.GrantRevokeReply)
        lx.wait_until(lambda: not former.scope().grants, 5, "the former head's grant is gone")

    def grant_at(self, unit: str) -> bytes:
        """A fresh grant of the victim, a head at the unit."""
        grant = peer.uuid7()
        self.city.cluster.sql("insert into role_grant (id, person, unit, role, from_at) select "
                              f"'{grant.hex()}', a.person, u.id, 2, now() - interval '1 hour' from account a, unit u "
                              f"where a.account = 'victim' and u.code = '{unit}'")
        return grant


def call(connection, method, request, reply):
    try:
        return connection.call(method, request, reply)
    except peer.ServerError as error:
        assert error.error.code in (wire.NOT_FOUND, wire.PERMISSION_DENIED), error
        return None


def do_pull(world, connection, unit):
    return call(connection, "PULL", ledger.PullRequest(stream=world.units[unit]), ledger.PullReply) is not None


def do_subscribe(world, connection, unit):
    request = ledger.SubscribeRequest(streams=[world.units[unit]])
    return call(connection, "SUBSCRIBE", request, ledger.SubscribeReply) is not None


def push(world, connection, unit, operations):
    stream = world.units[unit]
    scope = connection.scope()
    first = dict(zip(scope.streams, scope.next_op_seq)).get(stream, 1)
    answer = connection.push(stream, first, operations)
    return answer.verdict == ledger.GROUP_DONE and not answer.refused


def do_push_fact(world, connection, unit):
    fact = office.hours(world.teachers[unit], 100)
    done = push(world, connection, unit, [fact])
    stored = world.city.cluster.sql(f"select count(*) from fact where id = '{fact.fact.id.hex()}'") == [["1"]]
    assert done == stored, "what is answered is what is stored"
    return done


def do_push_roster(world, connection, unit):
    person, roster = office.teacher(world.units[unit], next(FRESH) + 5000)
    done = push(world, connection, unit, roster)
    stored = world.city.cluster.sql(f"select count(*) from person where id = '{person.hex()}'") == [["1"]]
    assert done == stored, "what is answered is what is stored"
    return done


def do_code_issue(world, connection, unit):
    del world
    return call(connection, "CODE_ISSUE", account.CodeIssueRequest(unit_code=unit), account.CodeIssueReply) is not None


def do_user_add(world, connection, unit):
    del world
    request = account.UserAddRequest(account=f"added.{next(FRESH)}", name="新", role=ledger.HEAD, unit_code=unit)
    return call(connection, "USER_ADD", request, account.UserAddReply) is not None


def do_grant(world, connection, unit):
    del world
    request = account.GrantRequest(account="victim", role=ledger.HEAD, unit_code=unit)
    return call(connection, "GRANT", request, account.GrantReply) is not None


def do_grant_revoke(world, connection, unit):
    request = account.GrantRevokeRequest(grant=world.grant_at(unit))
    return call(connection, "GRANT_REVOKE", request, account.GrantRevokeReply) is not None


def do_statistics(world, connection, unit):
    statistics = peer.statistics
    request = statistics.StatisticsRequest(programme=1, unit=world.units[unit], by=statistics.BY_UNIT)
    return call(connection, "STATISTICS", request, statistics.StatisticsReply) is not None


def do_standing(world, connection, unit):
    statistics = peer.statistics
    request = statistics.StandingRequest(programme=1, subject=world.teachers[unit])
    return call(connection, "STANDING", request, statistics.StandingReply) is not None


DO = {"PULL": do_pull, "SUBSCRIBE": do_subscribe, "PUSH_FACT": do_push_fact, "PUSH_ROSTER": do_push_roster,
      "CODE_ISSUE": do_code_issue, "USER_ADD": do_user_add, "GRANT": do_grant, "GRANT_REVOKE": do_grant_revoke,
      "STATISTICS": do_statistics, "STANDING": do_standing}


@pytest.mark.parametrize("build", ["both", "server_only", "sql_only"])
def test_every_cell(build, tmp_path):
    with lx.Deployment(checks=build) as city:
        if build == "server_only":
            city.cluster.sql((lx.ROOT / "tests/sql/variants/server_only.sql").read_text(encoding="utf-8"))
        found_city(city)
        started = time.monotonic()
        world = World(city, tmp_path)
        wrong = []
        for row in cells():
            for role in PLACES:
                allowed = DO[row["method"]](world, world.connections[role], row["unit"])
                open_question = row[role] == "s" and build == "sql_only"
                if allowed != (row[role] == "y") and not open_question:
                    wrong.append(f"{row['method']} at {row['unit']} by {role}: {'allowed' if allowed else 'refused'}")
        for connection in world.connections.values():
            connection.close()
        print(f"{build}: {len(cells()) * len(PLACES)} cells in {time.monotonic() - started:.0f} s")
        assert not wrong, "\n".join(wrong)
