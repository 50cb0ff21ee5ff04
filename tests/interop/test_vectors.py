"""The golden bytes of proto/vectors, by this peer's own code: frames, hashes of operations, digests of rows."""
import hashlib
import struct

import pytest

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
