"""What the permission table (permission.csv) asks for: a function per line of methods, true when it was allowed.

A refusal is NOT_FOUND or PERMISSION_DENIED; anything else is a defect of the test or of the server. Whatever is pushed is looked
for in the database as well: what is answered is what is stored.
"""
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import bundler  # noqa: E402  (the path comes first)
import lx  # noqa: E402
import office  # noqa: E402
import peer  # noqa: E402

account, bundle, ledger, statistics, wire = peer.account, peer.bundle, peer.ledger, peer.statistics, peer.wire
FRESH = itertools.count(20000)
REFUSALS = (wire.NOT_FOUND, wire.PERMISSION_DENIED)
OFFICES = {"workshop": ledger.HEAD, "school": ledger.SCHOOL_ADMIN, "district": ledger.DISTRICT_ADMIN, "city": ledger.CITY_ADMIN}
SCHOOL, WORKSHOP, WITH_TEACHERS = ("school",), ("workshop",), ("school", "workshop")
# The levels of units that a line is about; all where it is not named.
LEVELS = {"STANDING": WITH_TEACHERS, "PUSH_HOURS": WITH_TEACHERS, "PUSH_HOURS_BEFORE": WITH_TEACHERS, "PUSH_PLAN": WORKSHOP,
          "PUSH_ACCEPT_PLAN": WORKSHOP, "PUSH_GRADE_TEACHER": WORKSHOP, "PUSH_GRADE_CASE": WORKSHOP, "PUSH_SURVEY": SCHOOL,
          "PUSH_ACCEPT_DEV_PLAN": SCHOOL, "PUSH_ROSTER": WITH_TEACHERS,
          "PUSH_TRANSFER_OUT": WITH_TEACHERS, "PUSH_TRANSFER_IN": WITH_TEACHERS, "BUNDLE": WITH_TEACHERS}


def is_allowed(connection, method, request, reply, refusals=REFUSALS) -> bool:
    try:
        connection.call(method, request, reply)
        return True
    except peer.ServerError as error:
        assert error.error.code in refusals, f"{method}: {error}"
        return False


# ---- what concerns the connection and the login ----

def ping(_world, actor, _target):
    return is_allowed(actor.connection, "PING", wire.PingRequest(payload=b"x"), wire.PingReply)


def fresh_connection(world):
    return peer.Connection(world.city.server.address, world.city.tls / "ca.pem", world.device)


def hello(world, actor, _target):
    with fresh_connection(world) as connection:
        return connection.hello(actor.connection.token).logged_in


def enrol(world, _actor, _target):
    """By a device that is enrolled already."""
    with fresh_connection(world) as connection:
        connection.hello()
        request = account.EnrolRequest(code="AAAA-BBBB-CCCC", csr=world.device.request(), label="again")
        return is_allowed(connection, "ENROL", request, account.EnrolReply, (wire.FAILED_PRECONDITION,))


def renew(world, _actor, _target):
    with fresh_connection(world) as connection:
        connection.hello()
        return is_allowed(connection, "RENEW", account.RenewRequest(csr=world.device.request()), account.RenewReply)


def login_again(world, actor):
    connection = fresh_connection(world)
    connection.hello()
    connection.login(actor.connection.account, actor.connection.password)
    return connection


def login(world, actor, _target):
    login_again(world, actor).close()
    return True


def logout(world, actor, _target):
    with login_again(world, actor) as connection:
        return is_allowed(connection, "LOGOUT", account.LogoutRequest(), account.LogoutReply)


def change_password(_world, actor, _target):
    connection = actor.connection
    fresh = f"another-password-{next(FRESH)}"
    request = account.ChangePasswordRequest(old_password=connection.password, new_password=fresh)
    allowed = is_allowed(connection, "CHANGE_PASSWORD", request, account.ChangePasswordReply)
    connection.password = fresh if allowed else connection.password
    return allowed


def scope(_world, actor, _target):
    return is_allowed(actor.connection, "SCOPE", account.ScopeRequest(), account.ScopeReply)


# ---- reading ----

def pull(_world, actor, target):
    return is_allowed(actor.connection, "PULL", ledger.PullRequest(stream=target.unit), ledger.PullReply)


def subscribe(_world, actor, target):
    return is_allowed(actor.connection, "SUBSCRIBE", ledger.SubscribeRequest(streams=[target.unit]), ledger.SubscribeReply)


def standing(_world, actor, target):
    request = statistics.StandingRequest(programme=1, subject=target.teacher)
    return is_allowed(actor.connection, "STANDING", request, statistics.StandingReply)


def see_statistics(_world, actor, target):
    """By unit and by indicator: two statements with the same answer."""
    answers = {is_allowed(actor.connection, "STATISTICS", statistics.StatisticsRequest(programme=1, unit=target.unit, by=by),
                          statistics.StatisticsReply) for by in (statistics.BY_UNIT, statistics.BY_INDICATOR)}
    assert len(answers) == 1
    return answers.pop()


# ---- writing ----

def push(world, actor, target, operations, table="fact", record=None):
    answer = world.push(actor.connection, target.unit, operations)
    done = answer.verdict == ledger.GROUP_DONE and not answer.refused
    record = record or operations[0].fact.id
    stored = world.city.cluster.sql(f"select count(*) from {table} where id = '{record.hex()}'") == [["1"]]
    assert done == stored, "what is answered is what is stored"
    return done


def push_hours(world, actor, target):
    return push(world, actor, target, [office.hours(target.teacher, 100)])


def push_hours_before(world, actor, target):
    operation = office.hours(target.teacher, 100)
    operation.scope_version = actor.scope_version
    return push(world, actor, target, [operation])


def push_plan(world, actor, target):
    return push(world, actor, target, [office.submission(target.unit, "h.plan")])


def push_accept_plan(world, actor, target):
    return push(world, actor, target, [office.accepted(target.unit, target.submitted(world, "h.plan"))])


def push_grade_teacher(world, actor, target):
    return push(world, actor, target, [office.grade(target.teacher, "t.school_based", 1000)])


def push_grade_case(world, actor, target):
    return push(world, actor, target, [office.grade(target.unit, "h.case", 3000, target.submitted(world, "h.case"))])


def push_survey(world, actor, target):
    return push(world, actor, target, [office.fact(ledger.DUTY_DONE, target.unit, "a.survey")])


def push_accept_dev_plan(world, actor, target):
    return push(world, actor, target, [office.accepted(target.unit, target.submitted(world, "a.dev_plan"))])


def push_roster(world, actor, target):
    person, roster = office.teacher(target.unit, next(FRESH))
    return push(world, actor, target, roster, "person", person)


def other_district(world, code: str) -> str:
    return min(unit for unit, level in world.tree.level.items() if level == "district" and unit != code[:6])


def newcomer(world, code: str) -> bytes:
    """A fresh person of a unit."""
    person, roster = office.teacher(world.units[code], next(FRESH))
    assert not world.push(world.ender(), world.units[code], roster).refused
    return person


def push_transfer_out(world, actor, target):
    person = newcomer(world, target.code) if target.is_known else peer.uuid7()
    to = world.units[other_district(world, target.code or actor.place)]
    transfer, operation = office.send_out(person, to)
    return push(world, actor, target, [operation], "transit", transfer)


def push_transfer_in(world, actor, target):
    transfer, person = peer.uuid7(), peer.uuid7()
    if target.is_known:
        home = min(unit for unit, level in world.tree.level.items()
                   if level == "workshop" and unit[:6] == other_district(world, target.code))
        person = newcomer(world, home)
        transfer, operation = office.send_out(person, world.units[target.code[:6]])
        assert not world.push(world.ender(), world.units[home], [operation]).refused
        lx.wait_until(lambda: world.city.cluster.sql(
            f"select count(*) from transit where transfer = '{transfer.hex()}' and side = 2") == [["1"]], 60, "the news is carried")
    return push(world, actor, target, [office.take_in(transfer, person, target.unit)], "person", person)


# ---- carrying ----

def carry(world, actor, target):
    """Hours that the office of the target's unit has recorded without a network."""
    keeper = world.keepers[target.code or "3401030001-01"]
    scope = keeper.scope()
    author = bundler.Author(keeper.device, keeper.device.id, keeper.person, keeper.token, world.city.tls / "ca.pem",
                            scope.bundle_certificate)
    operation = office.hours(target.teacher, 100)
    group = ledger.PushGroup(stream=target.unit, first_op_seq=world.next_op(target.unit, keeper.device),
                             operations=[operation.SerializeToString()])
    deployment = {} if target.is_known else {"deployment": target.unit + target.unit}
    request = bundle.BundleRequest(part=bundler.write(author, [group], **deployment))
    allowed = is_allowed(actor.connection, "BUNDLE", request, bundle.BundleReply)
    stored = world.city.cluster.sql(f"select count(*) from fact where id = '{operation.fact.id.hex()}'") == [["1"]]
    assert allowed == stored, "what is answered is what is stored"
    return allowed


# ---- offices ----

def code_of(target) -> str:
    return target.code or "999999"


def code_issue(_world, actor, target):
    request = account.CodeIssueRequest(unit_code=code_of(target))
    return is_allowed(actor.connection, "CODE_ISSUE", request, account.CodeIssueReply)


def user_add(_world, actor, target):
    request = account.UserAddRequest(account=f"added.{next(FRESH)}", name="新", unit_code=code_of(target))
    return is_allowed(actor.connection, "USER_ADD", request, account.UserAddReply)


def place_and_role(world, actor, target):
    """Of a grant: the target's own office; for himself once more what he has."""
    if target.relation == "self":
        return actor.place, ledger.Role.Value(actor.role.upper())
    return target.code, OFFICES[world.tree.level[target.code]] if target.code else ledger.HEAD


def grant(world, actor, target):
    code, role = place_and_role(world, actor, target)
    name = actor.connection.account if target.relation == "self" else "victim"
    request = account.GrantRequest(account=name, role=role, unit_code=code or code_of(target))
    return is_allowed(actor.connection, "GRANT", request, account.GrantReply)


def grant_revoke(world, actor, target):
    code, role = place_and_role(world, actor, target)
    person = actor.person if target.relation == "self" else None
    request = account.GrantRevokeRequest(grant=world.grant_at(code, role, person) if code else peer.uuid7())
    return is_allowed(actor.connection, "GRANT_REVOKE", request, account.GrantRevokeReply)


DO = {"PING": ping, "HELLO": hello, "ENROL": enrol, "RENEW": renew, "LOGIN": login, "LOGOUT": logout,
      "CHANGE_PASSWORD": change_password, "SCOPE": scope, "PULL": pull, "SUBSCRIBE": subscribe, "STANDING": standing,
      "STATISTICS": see_statistics, "PUSH_HOURS": push_hours, "PUSH_HOURS_BEFORE": push_hours_before, "PUSH_PLAN": push_plan,
      "PUSH_ACCEPT_PLAN": push_accept_plan, "PUSH_GRADE_TEACHER": push_grade_teacher, "PUSH_GRADE_CASE": push_grade_case,
      "PUSH_SURVEY": push_survey, "PUSH_ACCEPT_DEV_PLAN": push_accept_dev_plan, "PUSH_ROSTER": push_roster,
      "PUSH_TRANSFER_OUT": push_transfer_out, "PUSH_TRANSFER_IN": push_transfer_in, "BUNDLE": carry,
      "CODE_ISSUE": code_issue, "USER_ADD": user_add, "GRANT": grant, "GRANT_REVOKE": grant_revoke}
METHODS_OF_A_LOGIN = ("PING", "HELLO", "ENROL", "RENEW", "LOGIN", "LOGOUT", "CHANGE_PASSWORD", "SCOPE")
