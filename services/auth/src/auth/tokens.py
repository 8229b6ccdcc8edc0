"""The two tokens of a login: a short-lived access token, and the refresh token it is renewed by.

    refresh token   kr1.<agent id>.<family>.<generation>.<MAC>

The MAC is HMAC-SHA-256 under a key derived from the signing key, so any replica can tell the
successor of a token (same family, next generation) without storing it: the store keeps hashes.
A new signing key ends all refresh tokens.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

_KEY_LABEL = b"fiido-kefu refresh tokens v1"
_SHAPE = re.compile(
    r"kr1\.([0-9a-f]{32})\.([0-9a-f]{32})\.([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{43})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A genuine token's content; whether it is still good the store knows."""

    agent_id: str
    family: str
    generation: int

    def successor(self) -> "RefreshToken":
        return RefreshToken(self.agent_id, self.family, self.generation + 1)


class RefreshTokens:
    """Writes and reads refresh tokens."""

    def __init__(self, private_key: str) -> None:
        self._key = hmac.digest(private_key.encode(), _KEY_LABEL, hashlib.sha256)

    def write(self, token: RefreshToken) -> str:
        head = f"kr1.{token.agent_id}.{token.family}.{token.generation}"
        return f"{head}.{self._mac(head)}"

    def read(self, text: str) -> RefreshToken | None:
        """None for all that this key did not write."""
        found = _SHAPE.fullmatch(text)
        if found is None:
            return None
        head = text[: found.start(4) - 1]
        if not hmac.compare_digest(found.group(4), self._mac(head)):
            return None
        return RefreshToken(found.group(1), found.group(2), int(found.group(3)))

    def hash(self, token: RefreshToken) -> str:
        """What the store may keep of it."""
        return hashlib.sha256(self.write(token).encode()).hexdigest()

    def _mac(self, head: str) -> str:
        mac = hmac.digest(self._key, head.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
