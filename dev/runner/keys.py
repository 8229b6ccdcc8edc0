"""Makes the secrets of an installation once, and keeps them in a folder for its owner only.

A value in the environment wins over the file; a pair may be given by its private half alone.
"""

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dev.runner.choices import WrongConfigurationError
from dev.simulator.keys import write_private

PAIRS = ("VISITOR_TOKEN", "AGENT_TOKEN")


@dataclass(frozen=True, slots=True)
class Secrets:
    """The values by the names of their settings."""

    values: Mapping[str, str]

    def public(self) -> dict[str, str]:
        """What every service gets: the public halves and the secret between services."""
        return {
            name: value for name, value in self.values.items() if not name.endswith("PRIVATE_KEY")
        }


def load_or_make(folder: Path, env: Mapping[str, str]) -> Secrets:
    """Reads the folder, makes what is missing (mode 0600). Raises WrongConfigurationError."""
    values = {"INTERNAL_SECRET": _value("INTERNAL_SECRET", folder, env) or ""}
    if not values["INTERNAL_SECRET"]:
        values["INTERNAL_SECRET"] = secrets.token_hex(32)
        _keep(folder, "INTERNAL_SECRET", values["INTERNAL_SECRET"])
    for pair in PAIRS:
        values |= _pair(pair, folder, env)
    return Secrets(values)


def public_of(private: str) -> str:
    """The public half of a private one, both base64url of 32 raw bytes. Raises ValueError."""
    try:
        raw = base64.urlsafe_b64decode(private + "=" * (-len(private) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    key = Ed25519PrivateKey.from_private_bytes(raw)
    return _encode(
        key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    )


def _pair(name: str, folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    private_name, public_name = f"{name}_PRIVATE_KEY", f"{name}_PUBLIC_KEY"
    if env.get(public_name) and not env.get(private_name):
        raise WrongConfigurationError([f"{private_name} is missing, though {public_name} is set"])
    private = _value(private_name, folder, env)
    if private is None:
        private = _encode(secrets.token_bytes(32))
        _keep(folder, private_name, private)
    try:
        public = env.get(public_name) or public_of(private)
    except ValueError as error:
        raise WrongConfigurationError(
            [f"{private_name} must be base64url of a raw Ed25519 private key"]
        ) from error
    return {private_name: private, public_name: public}


def _value(name: str, folder: Path, env: Mapping[str, str]) -> str | None:
    if given := env.get(name, "").strip():
        return given
    file = folder / name.lower()
    return file.read_text().strip() or None if file.exists() else None


def _keep(folder: Path, name: str, value: str) -> None:
    write_private(folder / name.lower(), value + "\n")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
