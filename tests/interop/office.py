"""Offices for tests at the level of the protocol: accounts with their own device, people, and what to record of them."""
import itertools
import time
from pathlib import Path

import lx
import peer

PASSWORD = "first-password-1"
NUMBERS = itertools.count(1)


def login(city: lx.Deployment, folder: Path, role: str, unit: str) -> peer.Connection:
    """A fresh account with its own device, logged in."""
    name = f"peer.{role.replace('_', '.')}.{next(NUMBERS)}"
    city.user(name, role, unit, PASSWORD)
    device = peer.Device(folder / name)
    ca = city.tls / "ca.pem"
    with peer.Connection(city.server.address, ca) as connection:
        assert not connection.hello().device
        connection.enrol(city.code(unit), device)
    connection = peer.Connection(city.server.address, ca, device)
    assert len(connection.hello().device) == 32
    reply = connection.login(name, PASSWORD)
    connection.device, connection.token = device, reply.session_token
    if reply.must_change_password:
        request = peer.account.ChangePasswordRequest(old_password=PASSWORD, new_password=PASSWORD + "!")
        connection.call("CHANGE_PASSWORD", request, peer.account.ChangePasswordReply)
    return connection


def reconnect(city: lx.Deployment, old: peer.Connection) -> peer.Connection:
    """The same login on a new connection, by its token."""
    connection = peer.Connection(city.server.address, city.tls / "ca.pem", old.device)
    connection.device, connection.token = old.device, old.token
    assert connection.hello(old.token).logged_in
    return connection


def unit_id(city, code: str) -> bytes:
    return bytes.fromhex(city.cluster.sql(f"select replace(id::text, '-', '') from unit where code = '{code}'")[0][0])


def teacher(workshop: bytes, number: int):
    """The two roster operations that make a teacher of the workshop."""
    person = peer.uuid7()
    start = int(time.mktime((2021, 9, 1, 0, 0, 0, 0, 0, 0))) * 1000
    ledger = peer.ledger
    return person, [
        ledger.Operation(person=ledger.Person(id=person, name=f"教师{number}", teacher_no=f"T{number:08d}", certificate=True,
                                              in_post=True, established=True)),
        ledger.Operation(membership=ledger.Membership(id=peer.uuid7(), person=person, programme=1, unit=workshop,
                                                      role=ledger.TEACHER, from_ms=start)),
    ]


def hours(person: bytes, quantity: int):
    ledger = peer.ledger
    return ledger.Operation(fact=ledger.Fact(
        id=peer.uuid7(), programme=1, kind=ledger.CREDIT_HOURS, subject=person, item="school", quantity=quantity,
        occurred_at_ms=int(time.mktime((2021, 11, 15, 12, 0, 0, 0, 0, 0))) * 1000))
