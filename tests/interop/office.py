"""Offices for tests at the level of the protocol: accounts with their own device, people, and what to record of them."""
import itertools
import time
from pathlib import Path

import lx
import peer

PASSWORD = "first-password-1"
NUMBERS = itertools.count(1)


def enrol(city: lx.Deployment, folder: Path, unit: str) -> peer.Device:
    """A fresh device of the unit."""
    device = peer.Device(folder / f"device-{next(NUMBERS)}")
    with peer.Connection(city.server.address, city.tls / "ca.pem") as connection:
        assert not connection.hello().device
        device.id = connection.enrol(city.code(unit), device).device
    return device


def login(city: lx.Deployment, folder: Path, role: str, unit: str, device: peer.Device = None) -> peer.Connection:
    """A fresh account, logged in on the device, or on one of its own."""
    name = f"peer.{role.replace('_', '.')}.{next(NUMBERS)}"
    city.user(name, role, unit, PASSWORD)
    device = device or enrol(city, folder, unit)
    connection = peer.Connection(city.server.address, city.tls / "ca.pem", device)
    assert connection.hello().device == device.id
    reply = connection.login(name, PASSWORD)
    connection.device, connection.token, connection.person = device, reply.session_token, reply.person
    connection.account, connection.password = name, PASSWORD
    return connection


def reconnect(city: lx.Deployment, old: peer.Connection) -> peer.Connection:
    """The same login on a new connection, by its token."""
    connection = peer.Connection(city.server.address, city.tls / "ca.pem", old.device)
    for name in ("device", "token", "person", "account", "password"):
        setattr(connection, name, getattr(old, name))
    assert connection.hello(old.token).logged_in
    return connection


def unit_id(city, code: str) -> bytes:
    return bytes.fromhex(city.cluster.sql(f"select replace(id::text, '-', '') from unit where code = '{code}'")[0][0])


def teacher(unit: bytes, number: int, person: bytes = None):
    """The two roster operations that make a teacher of the unit, a new person or this one."""
    person = person or peer.uuid7()
    start = int(time.mktime((2021, 9, 1, 0, 0, 0, 0, 0, 0))) * 1000
    ledger = peer.ledger
    return person, [
        ledger.Operation(person=ledger.Person(id=person, name=f"教师{number}", teacher_no=f"T{number:08d}", certificate=True,
                                              in_post=True, established=True)),
        ledger.Operation(membership=ledger.Membership(id=peer.uuid7(), person=person, programme=1, unit=unit,
                                                      role=ledger.TEACHER, from_ms=start)),
    ]


def send_out(person: bytes, district: bytes):
    """A transfer's id and its first half."""
    ledger, transfer = peer.ledger, peer.uuid7()
    return transfer, ledger.Operation(person_version=1, transfer=ledger.Transfer(
        id=transfer, step=ledger.TRANSFER_OUT, person=person, to=district, left_ms=int(time.time() * 1000) - 1000))


def take_in(transfer: bytes, person: bytes, unit: bytes):
    """Its second half."""
    ledger = peer.ledger
    return ledger.Operation(transfer=ledger.Transfer(
        id=transfer, step=ledger.TRANSFER_IN, person=person,
        membership=ledger.Membership(id=peer.uuid7(), person=person, programme=1, unit=unit, role=ledger.TEACHER,
                                     from_ms=int(time.time() * 1000))))


def fact(kind: int, subject: bytes, item: str = None, **fields):
    """An operation with a fact of November 2021, when every stage but the first is open."""
    ledger = peer.ledger
    return ledger.Operation(fact=ledger.Fact(
        id=peer.uuid7(), programme=1, kind=kind, subject=subject, item=item,
        occurred_at_ms=int(time.mktime((2021, 11, 15, 12, 0, 0, 0, 0, 0))) * 1000, **fields))


def hours(person: bytes, quantity: int):
    return fact(peer.ledger.CREDIT_HOURS, person, "school", quantity=quantity)


def submission(subject: bytes, item: str, author: bytes = None):
    """A deliverable that every template takes: a text, a recording, an author, an ability point."""
    ledger = peer.ledger
    body = ledger.Submission(title="成果", fields=[ledger.TemplateField(key="content", value="正文")])
    if item == "h.case":
        body.authors.append(author)
        body.points.append("A1")
        body.duration_s, body.size_bytes = 1200, 1 << 20
        body.file_name, body.file_sha256 = "case.mp4", bytes(32)
    operation = fact(ledger.SUBMITTED, subject, item)
    operation.submission.CopyFrom(body)
    return operation


def accepted(subject: bytes, of: bytes):
    return fact(peer.ledger.ACCEPTED, subject, of=of)


def grade(subject: bytes, item: str, points: int, of: bytes = None):
    return fact(peer.ledger.GRADE, subject, item, quantity=points, of=of)
