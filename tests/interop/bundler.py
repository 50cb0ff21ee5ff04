"""Bundles written and receipts read by the openssl command and Python: from proto/README.md alone, no code of the C programs."""
import hashlib
import secrets
import ssl
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import peer

bundle = peer.bundle
HEAD = struct.Struct(">8sBBHHHI16s32s")  # magic, version, kind, part, parts, reserved, length, id, deployment
MAGIC = b"LXBUNDLE"
BUNDLE, RECEIPT = 1, 2


def openssl(*words, data: bytes = b"") -> bytes:
    result = subprocess.run(["openssl", *map(str, words)], input=data, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout


def deployment_of(ca: Path) -> bytes:
    """SHA-256 of the CA's public key (SubjectPublicKeyInfo, DER)."""
    pem = openssl("x509", "-in", ca, "-noout", "-pubkey")
    return hashlib.sha256(openssl("pkey", "-pubin", "-outform", "DER", data=pem)).digest()


def file_part(container: bytes, identity: bytes, deployment: bytes, part: int = 1, parts: int = 1, kind: int = BUNDLE,
              version: int = 1) -> bytes:
    head = HEAD.pack(MAGIC, version, kind, part, parts, 0, len(container), identity, deployment)
    return head + container + hashlib.sha256(head + container).digest()


def read_parts(file: bytes) -> list[tuple[tuple, bytes]]:
    """(head, container) of every part; checks what can be checked."""
    parts = []
    while file:
        head = HEAD.unpack(file[:HEAD.size])
        end = HEAD.size + head[6]
        assert head[0] == MAGIC and hashlib.sha256(file[:end]).digest() == file[end:end + 32]
        parts.append((head, file[HEAD.size:end]))
        file = file[end + 32:]
    return parts


@dataclass
class Author:
    """Whose operations a bundle has, and on which device: what a home knows."""
    device: peer.Device
    device_id: bytes
    person: bytes
    token: bytes
    ca: Path
    bundle_certificate: bytes  # DER, from ScopeReply
    receipt_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))


def content(author: Author, groups: list, **changes):
    """The lx.Bundle; `changes` are fields that shall be wrong."""
    message = bundle.Bundle(version=1, id=peer.uuid7(), part=1, parts=1, deployment=deployment_of(author.ca),
                            device=author.device_id, person=author.person, login=hashlib.sha256(author.token).digest(),
                            created_at_ms=int(time.time() * 1000), receipt_key=author.receipt_key, groups=groups)
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def seal(data: bytes, device: peer.Device, bundle_certificate: bytes) -> bytes:
    """SignedData inside AuthEnvelopedData, DER."""
    with tempfile.TemporaryDirectory(prefix="lx-bundler-") as folder:
        recipient = Path(folder) / "bundle.pem"
        recipient.write_text(ssl.DER_cert_to_PEM_cert(bundle_certificate), encoding="ascii")
        signed = openssl("cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-md", "sha256", "-signer",
                         device.certificate, "-inkey", device.key, "-outform", "DER", data=data)
        return openssl("cms", "-encrypt", "-binary", "-aes-256-gcm", "-keyid", "-recip", recipient, "-keyopt",
                       "ecdh_kdf_md:sha256", "-outform", "DER", data=signed)


def write(author: Author, groups: list, **changes) -> bytes:
    """A whole file of one part."""
    message = content(author, groups, **changes)
    container = seal(message.SerializeToString(), author.device, author.bundle_certificate)
    return file_part(container, message.id, message.deployment)


def read_receipt(author: Author, part: bytes):
    """The lx.BundleReceipt of one part of a receipt."""
    [(head, container)] = read_parts(part)
    assert head[2] == RECEIPT
    with tempfile.TemporaryDirectory(prefix="lx-bundler-") as folder:
        signed = Path(folder) / "signed"
        signed.write_bytes(openssl("cms", "-decrypt", "-binary", "-inform", "DER", "-secretkey",
                                   author.receipt_key.hex(), "-secretkeyid", b"receipt".hex(), data=container))
        return bundle.BundleReceipt.FromString(openssl(
            "cms", "-verify", "-binary", "-inform", "DER", "-in", signed, "-CAfile", author.ca, "-purpose", "sslserver"))
