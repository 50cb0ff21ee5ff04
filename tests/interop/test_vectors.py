"""The golden bytes of proto/vectors, by this peer's own code: frames, hashes of operations, digests of rows."""
import hashlib

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


def test_rows():
    everything = 0
    for record, version, digest, so_far in lines("rows.txt"):
        own = peer.row_digest(data(record), int(version))
        everything ^= own
        assert (own, everything) == (int(digest, 16), int(so_far, 16))
