"""RSA key pairs for the OAuth JWT app: chat-proxy signs, the simulator verifies."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One RSA pair as PEM texts; `kid` is the fingerprint Coze shows beside an uploaded key."""

    private_pem: str
    public_pem: str
    kid: str


def make_key_pair(*, bits: int = 2048) -> KeyPair:
    """A fresh RSA pair."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private_pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return _pair(private_pem)


def load_or_make(folder: Path, *, name: str = "coze_simulator") -> KeyPair:
    """The pair kept in `folder`, made on first use, the private file of mode 0600."""
    private_file = folder / f"{name}.pem"
    if private_file.exists():
        return _pair(private_file.read_text())
    pair = make_key_pair()
    write_private(private_file, pair.private_pem)
    (folder / f"{name}.pub.pem").write_text(pair.public_pem)
    return pair


def write_private(path: Path, text: str) -> None:
    """Writes a secret so that no moment exists in which others could read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)


def fingerprint(public_pem: str) -> str:
    """The key id of a public key: stable over restarts because it is made of the key itself."""
    return hashlib.sha256(public_pem.strip().encode()).hexdigest()[:43]


def _pair(private_pem: str) -> KeyPair:
    private = serialization.load_pem_private_key(private_pem.encode(), password=None)
    public_pem = (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    return KeyPair(private_pem=private_pem, public_pem=public_pem, kid=fingerprint(public_pem))
