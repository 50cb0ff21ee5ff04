"""Bundles at the level of the protocol: carried by anybody, taken once, refused with a reason, and nothing told to the carrier.

The bundles are made by the openssl command (tests/interop/bundler.py), as proto/README.md describes them.
"""
import hashlib
import secrets
import sys
from pathlib import Path

import pytest

import lx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import bundler  # noqa: E402
import office  # noqa: E402
import peer  # noqa: E402
from test_handlers import REASON  # noqa: E402

ledger, bundle, account, wire = peer.ledger, peer.bundle, peer.account, peer.wire
SCHOOL, WORKSHOP, FOREIGN_SCHOOL = "3401030001", "3401030001-01", "3401040001"


def author_of(city, connection) -> bundler.Author:
    """Who is logged in on the connection, as his home would know it."""
    return bundler.Author(connection.device, connection.device.id, connection.person, connection.token,
                          city.tls / "ca.pem", connection.scope().bundle_certificate)


def carry(connection, file: bytes, receipt: bool = False):
    return connection.call("BUNDLE", bundle.BundleRequest(part=file, receipt=receipt), bundle.BundleReply)


def refused(connection, file: bytes) -> str:
    """id of the reason for which the file is refused."""
    with pytest.raises(peer.ServerError) as caught:
        carry(connection, file)
    reason = caught.value.error.reason
    assert not reason.field, "a carrier learns nothing of the content"
    return {number: name for name, number in REASON.items()}[reason.reason]


class School:
    """A school's clerk with a device, a teacher, and operations that no network has seen."""

    def __init__(self, city, folder, number):
        self.city = city
        self.connection = office.login(city, folder, "school_admin", SCHOOL)
        self.author = author_of(city, self.connection)
        self.stream = office.unit_id(city, WORKSHOP)
        self.next = 1
        self.person, roster = office.teacher(self.stream, number)
        assert not self.connection.push(self.stream, self.next, roster).refused
        self.next += len(roster)
        self.scope_version = self.connection.scope().scope_version

    def hours(self, quantity=100):
        operation = office.hours(self.person, quantity)
        operation.scope_version = self.scope_version
        return operation

    def group(self, operations, first=None):
        first = self.next if first is None else first
        self.next = max(self.next, first + len(operations))
        return ledger.PushGroup(stream=self.stream, first_op_seq=first,
                                operations=[o.SerializeToString() for o in operations])

    def stored(self, operations) -> int:
        ids = ",".join(f"'{o.fact.id.hex()}'" for o in operations)
        return int(self.city.cluster.sql(f"select count(*) from fact where id in ({ids})")[0][0])


@pytest.fixture(scope="module", name="numbers")
def fixture_numbers():
    import itertools
    return itertools.count(7001)


@pytest.fixture(name="school")
def fixture_school(city, tmp_path, numbers):
    school = School(city, tmp_path, next(numbers))
    yield school
    school.connection.close()


@pytest.fixture(name="carrier")
def fixture_carrier(city, tmp_path):
    """Of another district: nothing of what he carries is in his scope."""
    with office.login(city, tmp_path, "head", "3401040001-01") as connection:
        yield connection


def test_anybody_carries_and_it_counts_once(city, school, carrier):
    operations = [school.hours() for _ in range(3)]
    group = school.group(operations)
    file = bundler.write(school.author, [group])
    first = carry(carrier, file)
    assert (first.verdict, first.operations, first.answered, first.refused) == (bundle.BUNDLE_TAKEN, 3, 3, 0)
    again = carry(carrier, file)
    assert (again.verdict, again.answered) == (bundle.BUNDLE_REPEATED, 3)
    by_net = school.connection.call("PUSH", ledger.PushRequest(groups=[group]), ledger.PushReply).groups[0]
    assert by_net.verdict == ledger.GROUP_REPEATED and not by_net.refused
    assert school.stored(operations) == 3
    author, device = school.author.person.hex(), school.author.device_id.hex()
    assert city.cluster.sql(f"select count(distinct actor) from fact where actor = '{author}'") == [["1"]]
    runs = city.cluster.sql(f"select count(*) from op_run where device = '\\x{device}' and person = '{author}' and op_from = 3")
    assert runs == [["1"]]
    audited = city.cluster.sql("select count(*), count(distinct actor) from audit where action = 'bundle' "
                               f"and detail ->> 'device' = '{device}' and detail ->> 'verdict' = '1'")
    assert audited == [["2", "1"]]


def test_the_author_reads_the_verdicts_from_the_receipt(school, carrier):
    good, bad = school.hours(), school.hours()
    bad.fact.quantity = -5
    reply = carry(carrier, bundler.write(school.author, [school.group([good, bad])]), receipt=True)
    assert (reply.verdict, reply.answered, reply.refused) == (bundle.BUNDLE_TAKEN, 2, 1)
    receipt = bundler.read_receipt(school.author, reply.receipt)
    [group] = receipt.groups
    assert (group.op_from, group.op_last) == (3, 4)
    assert group.answer.verdict == ledger.GROUP_DONE and group.answer.op_to == 4
    assert [(r.op_seq, r.reason.field) for r in group.answer.refused] == [(4, "fact.quantity")]
    repeated = bundler.read_receipt(school.author, carry(carrier, bundler.write(
        school.author, [school.group([good, bad], first=3)]), receipt=True).receipt)
    assert repeated.groups[0].answer.refused == group.answer.refused


def test_the_carrier_learns_numbers_only(school, carrier):
    bad = school.hours()
    bad.fact.item = "marsupial"
    reply = carry(carrier, bundler.write(school.author, [school.group([school.hours(), bad])]), receipt=True)
    told = reply.SerializeToString()
    for secret in (school.person, school.stream, bad.fact.id, b"marsupial", school.author.person, school.author.device_id):
        assert secret not in told


def test_files_out_of_order_wait_for_the_missing_one(school, carrier):
    one, two = [school.hours()], [school.hours(), school.hours()]
    first = bundler.write(school.author, [school.group(one)])
    second = bundler.write(school.author, [school.group(two)])
    early = carry(carrier, second)
    assert (early.verdict, early.operations, early.answered) == (bundle.BUNDLE_GAP, 2, 0)
    assert school.stored(one + two) == 0
    assert carry(carrier, first).verdict == bundle.BUNDLE_TAKEN
    assert carry(carrier, second).verdict == bundle.BUNDLE_TAKEN
    assert school.stored(one + two) == 3


def test_every_cut_and_every_flipped_byte_is_refused(city, school, carrier):
    operations = [school.hours()]
    file = bundler.write(school.author, [school.group(operations)])
    # pipelined: a refusal needs neither key nor database
    number = wire.Method.Value("BUNDLE")
    damaged = [file[:size] for size in range(len(file))]
    damaged += [file[:at] + bytes([file[at] ^ 1 << at % 8]) + file[at + 1:] for at in range(len(file))]
    asked = [carrier.send(number, bundle.BundleRequest(part=part).SerializeToString()) for part in damaged[:1]]
    seen = {}
    for at, part in enumerate(damaged):
        if at:
            asked.append(carrier.send(number, bundle.BundleRequest(part=part).SerializeToString()))
        with pytest.raises(peer.ServerError) as caught:
            carrier.receive(asked[at])
        seen.setdefault("cut" if at < len(file) else "flipped", set()).add(caught.value.error.reason.reason)
    assert seen["cut"] == {REASON["bundle_cut"]}
    assert seen["flipped"] <= {REASON[name] for name in (
        "bundle_cut", "bundle_changed", "bundle_not_one", "bundle_too_large")}
    assert school.stored(operations) == 0
    device = school.author.device_id.hex()
    assert city.cluster.sql(f"select count(*) from audit where action = 'bundle' and detail ->> 'device' = '{device}'") == [["0"]]
    assert carry(carrier, file).verdict == bundle.BUNDLE_TAKEN


def test_a_rewritten_head_is_refused(school, carrier):
    file = bundler.write(school.author, [school.group([school.hours()])])
    [(head, container)] = bundler.read_parts(file)
    identity, deployment = head[7], head[8]
    assert refused(carrier, bundler.file_part(container, peer.uuid7(), deployment)) == "bundle_changed"
    assert refused(carrier, bundler.file_part(container, identity, deployment, 1, 2)) == "bundle_changed"
    assert refused(carrier, bundler.file_part(container, identity, deployment, kind=2)) == "bundle_is_receipt"
    assert refused(carrier, bundler.file_part(container, identity, deployment, version=2)) == "bundle_version"
    assert refused(carrier, bundler.file_part(container, identity, secrets.token_bytes(32))) == "bundle_foreign"
    assert refused(carrier, bundler.file_part(container, identity, deployment, kind=9)) == "bundle_content"
    assert refused(carrier, file + file) == "bundle_changed"
    assert refused(carrier, b"PK\x03\x04") == "bundle_not_one"


def test_foreign_keys_and_signatures_are_refused(city, school, carrier, tmp_path):
    other = tmp_path / "other"
    city.ctl("ca", "init", other)
    group = school.group([school.hours()])
    message = bundler.content(school.author, [group])
    data, ours = message.SerializeToString(), school.author.bundle_certificate
    theirs = bundler.openssl("x509", "-in", other / "bundle.pem", "-outform", "DER")

    def file(container):
        return bundler.file_part(container, message.id, message.deployment)

    assert refused(carrier, file(bundler.seal(data, school.author.device, theirs))) == "bundle_key_unknown"
    stranger = peer.Device(tmp_path / "stranger")
    bundler.openssl("x509", "-req", "-in", "/dev/stdin", "-CA", other / "ca.pem", "-CAkey", other / "ca.key", "-days", "9",
                    "-out", stranger.certificate, "-inform", "DER", data=stranger.request())
    assert refused(carrier, file(bundler.seal(data, stranger, ours))) == "bundle_foreign"
    # a device of this deployment that says it were another one
    assert refused(carrier, file(bundler.seal(data, carrier.device, ours))) == "bundle_changed"
    # sealed twice, not a bundle at all, sealed nonsense
    nested = bundler.seal(file(bundler.seal(data, school.author.device, ours)), school.author.device, ours)
    assert refused(carrier, file(nested)) == "bundle_content"
    assert refused(carrier, file(data)) == "bundle_changed"
    assert refused(carrier, file(bundler.seal(b"\xff" * 40, school.author.device, ours))) == "bundle_content"


def test_content_that_makes_no_sense_is_refused_as_a_whole(school, carrier):
    good = school.group([school.hours()])
    broken = ledger.PushGroup(stream=school.stream, first_op_seq=school.next, operations=[b"\x0a\xff"])
    for groups, changes in (([], {}), ([good, broken], {}), ([good], {"login": b"short"}), ([good], {"version": 0}),
                            ([good], {"receipt_key": b""}), ([good], {"person": b"\x01" * 15})):
        assert refused(carrier, bundler.write(school.author, groups, **changes)) == "bundle_content"
    for changes in ({"device": secrets.token_bytes(32)}, {"deployment": secrets.token_bytes(32)}, {"part": 2, "parts": 2}):
        message = bundler.content(school.author, [good], **changes)
        container = bundler.seal(message.SerializeToString(), school.author.device, school.author.bundle_certificate)
        assert refused(carrier, bundler.file_part(container, message.id, bundler.deployment_of(school.author.ca))) \
            == "bundle_changed"
    assert refused(carrier, bundler.write(school.author, [good], version=2)) == "bundle_version"
    assert carry(carrier, bundler.write(school.author, [good])).verdict == bundle.BUNDLE_TAKEN


def test_an_author_needs_a_login_on_that_device(city, school, carrier, tmp_path):
    group = school.group([school.hours()])
    with office.login(city, tmp_path, "school_admin", SCHOOL) as other:
        someone = author_of(city, other)
        # somebody else's name, with the login of one's own, and the other way round
        assert refused(carrier, bundler.write(school.author, [group], person=someone.person)) == "bundle_login"
        assert refused(carrier, bundler.write(school.author, [group], person=someone.person,
                                              login=hashlib.sha256(someone.token).digest())) == "bundle_login"
    assert refused(carrier, bundler.write(school.author, [group], login=secrets.token_bytes(32))) == "bundle_login"
    token = hashlib.sha256(school.author.token).hexdigest()
    city.cluster.sql(f"update session set idle_until = now() - interval '90 days', until_at = now() - interval '60 days' "
                     f"where token_hash = '\\x{token}'")
    assert carry(carrier, bundler.write(school.author, [group])).verdict == bundle.BUNDLE_TAKEN, "a term away"
    group = school.group([school.hours()])
    file = bundler.write(school.author, [group])
    city.cluster.sql(f"update session set opened_at = now() - interval '401 days' where token_hash = '\\x{token}'")
    assert refused(carrier, file) == "bundle_login"
    city.cluster.sql(f"update session set opened_at = now(), closed_at = now() where token_hash = '\\x{token}'")
    assert refused(carrier, file) == "bundle_login"


def test_a_revoked_device_writes_in_vain(city, school, carrier):
    operations = [school.hours()]
    file = bundler.write(school.author, [school.group(operations)])
    city.ctl("device", "revoke", school.author.device_id.hex())
    assert refused(carrier, file) == "bundle_device"
    assert school.stored(operations) == 0


def test_a_cloned_device_is_frozen(city, school, carrier):
    number = school.next
    assert carry(carrier, bundler.write(school.author, [school.group([school.hours()])])).verdict == bundle.BUNDLE_TAKEN
    reply = carry(carrier, bundler.write(school.author, [school.group([school.hours(200)], first=number)]), receipt=True)
    assert (reply.verdict, reply.answered) == (bundle.BUNDLE_HELD, 0)
    answer = bundler.read_receipt(school.author, reply.receipt).groups[0].answer
    assert answer.verdict == ledger.GROUP_REFUSED and answer.reason.reason == REASON["device_cloned"]
    assert refused(carrier, bundler.write(school.author, [school.group([school.hours()])])) == "bundle_device"


def end_grant(city, folder, author, for_cause):
    with office.login(city, folder, "city_admin", "340100") as admin:
        grant = city.cluster.sql(f"select replace(id::text, '-', '') from role_grant where person = '{author.person.hex()}'")[0][0]
        admin.call("GRANT_REVOKE", account.GrantRevokeRequest(grant=bytes.fromhex(grant), for_cause=for_cause),
                   account.GrantRevokeReply)


@pytest.mark.parametrize("for_cause", [False, True])
def test_written_before_the_grant_ended(city, school, carrier, tmp_path, for_cause):
    operations = [school.hours()]
    file = bundler.write(school.author, [school.group(operations)])
    end_grant(city, tmp_path, school.author, for_cause)
    reply = carry(carrier, file)
    assert reply.verdict == (bundle.BUNDLE_HELD if for_cause else bundle.BUNDLE_TAKEN)
    assert school.stored(operations) == (0 if for_cause else 1)


def test_former_keys_open_a_login_has_its_measure_and_no_key_says_so(deployment, tmp_path):
    school = School(deployment, tmp_path, 7901)
    file = bundler.write(school.author, [school.group([school.hours()])])
    deployment.server.stop()
    deployment.ctl("ca", "bundle-key", deployment.tls)
    deployment.server.start()
    with office.reconnect(deployment, school.connection) as connection:
        assert connection.scope().bundle_certificate not in (b"", school.author.bundle_certificate)
        assert carry(connection, file).verdict == bundle.BUNDLE_TAKEN, "the author may carry it himself"
    deployment.server.stop()
    deployment.server.settings["bundles_per_minute"] = 2
    deployment.server.start()
    with office.reconnect(deployment, school.connection) as connection:
        ask = bundle.BundleRequest(part=file).SerializeToString()
        assert [carry(connection, file).verdict for _ in range(2)] == [bundle.BUNDLE_REPEATED] * 2
        with pytest.raises(peer.ServerError) as caught:
            connection.receive(connection.send(wire.Method.Value("BUNDLE"), ask))
        assert caught.value.error.reason.reason == REASON["busy"] and caught.value.error.retry_after_ms == 60000
    deployment.server.stop()
    deployment.server.settings["bundle_key"] = deployment.server.settings["bundle_cert"] = ""
    deployment.server.start()
    with office.reconnect(deployment, school.connection) as connection:
        assert not connection.scope().HasField("bundle_certificate")
        assert refused(connection, file) == "bundle_no_key"
