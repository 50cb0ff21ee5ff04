"""The golden bytes of proto/vectors, by this peer's own code: frames, hashes of operations, digests of rows, a bundle."""
import hashlib
import struct
from pathlib import Path

import pytest

import bundler
import peer


def lines(name: str) -> list[list[str]]:
    text = (peer.PROTO / "vectors" / name).read_text(encoding="ascii")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def data(text: str) -> bytes:
    return b"" if text == "-" else bytes.fromhex(text)


@pytest.mark.parametrize("line", lines("frames.txt"), ids=lambda line: line[0])
def test_frame(line):
    _, method, kind, flags, request, payload, frame = line
    header = peer.HEADER.pack(len(data(payload)), int(method), int(kind), int(flags), int(request))
    assert header + data(payload) == data(frame)


@pytest.mark.parametrize("line", lines("operations.txt"), ids=lambda line: line[0])
def test_operation(line):
    _, encoded, digest = line
    assert hashlib.sha256(data(encoded)).digest()[:16] == data(digest)
    assert peer.ledger.Operation.FromString(data(encoded)).SerializeToString() == data(encoded)


def leaf(algorithm: str, row: bytes) -> bytes:
    return hashlib.new(algorithm, b"\0" + row).digest()


def root(algorithm: str, leaves: list) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.new(algorithm).digest()
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.new(algorithm, b"\1" + root(algorithm, leaves[:left]) + root(algorithm, leaves[left:])).digest()


@pytest.mark.parametrize("line", lines("trees.txt"), ids=lambda line: f"{line[0]}-{line[2][:8]}")
def test_tree(line):
    algorithm, rows, expected = line
    rows = [] if rows == "-" else [bytes.fromhex(row) for row in rows.split(",")]
    assert root(algorithm, [leaf(algorithm, row) for row in rows]) == data(expected)


@pytest.mark.parametrize("line", lines("seals.txt"), ids=lambda line: f"{line[0]}-{line[2]}")
def test_seal(line):
    algorithm, district, number, at, runs, actions, before, tree, key, expected = line
    numbers = struct.pack(">iiqqii", {"sha256": 1, "sm3": 2}[algorithm], int(district), int(number), int(at), int(runs), int(actions))
    assert hashlib.new(algorithm, b"lianxiao seal 1" + numbers + data(before) + data(tree) + data(key)).digest() == data(expected)


def test_rows():
    everything = 0
    for record, version, digest, so_far in lines("rows.txt"):
        own = peer.row_digest(data(record), int(version))
        everything ^= own
        assert (own, everything) == (int(digest, 16), int(so_far, 16))


GOLDEN = Path(__file__).resolve().parents[1] / "golden/bundle"


def test_golden_bundle():
    """Its parts, without any key, and what is inside of them: groups of operations, the two halves of a transfer among them."""
    contents = [line.split() for line in (GOLDEN / "contents.txt").read_text(encoding="ascii").splitlines()[1:]]
    bundles = [peer.bundle.Bundle.FromString(data(text)) for kind, _, text in contents if kind == "bundle"]
    heads = [head for head, _ in bundler.read_parts((GOLDEN / "bundle.lxb").read_bytes())]
    assert [(head[3], head[4], head[7], head[8]) for head in heads] == [(one.part, one.parts, one.id, one.deployment) for one in bundles]
    assert bundles[0].deployment == bundler.deployment_of(GOLDEN / "ca.pem")
    operations = [peer.ledger.Operation.FromString(text) for one in bundles for group in one.groups for text in group.operations]
    assert [operation.transfer.step for operation in operations] == [0, peer.ledger.TRANSFER_OUT, peer.ledger.TRANSFER_IN]
    (head, container), = bundler.read_parts((GOLDEN / "receipt.lxb").read_bytes())
    assert head[2] == bundler.RECEIPT and container
    signed = bundler.openssl("cms", "-decrypt", "-binary", "-inform", "DER", "-secretkey", bundles[0].receipt_key.hex(), "-secretkeyid",
                             b"receipt".hex(), data=container)
    receipt = [text for kind, _, text in contents if kind == "receipt"][0]
    assert data(receipt) in signed
