"""The services' own credential: a 60 s HMAC token naming who calls whom.

v1.<issuer>.<audience>.<expiry, UTC seconds>.<HMAC-SHA256 of all before, hex>
"""

import hashlib
import hmac
import re

from common.clock import Clock, system_clock
from common.errors import Unauthenticated

LIFETIME_SECONDS = 60
_SKEW_SECONDS = 5
_SHAPE = re.compile(r"^v1\.([a-z-]{1,32})\.([a-z-]{1,32})\.(\d{1,12})\.([0-9a-f]{64})$", re.ASCII)


class InternalSigner:
    """Signs for `issuer`; a token is used again until half its life is over."""

    def __init__(self, secret: str, issuer: str, clock: Clock = system_clock) -> None:
        self._secret = secret.encode()
        self._issuer = issuer
        self._clock = clock
        self._signed: dict[str, tuple[float, str]] = {}

    def header(self, audience: str) -> str:
        """The value of `X-Internal-Token` for calls to `audience`."""
        now = self._clock()
        renew_at, token = self._signed.get(audience, (0.0, ""))
        # a clock set back must not keep an old token either
        if not now < renew_at <= now + LIFETIME_SECONDS / 2:
            head = f"v1.{self._issuer}.{audience}.{int(now) + LIFETIME_SECONDS}"
            token = f"{head}.{_mac(self._secret, head)}"
            self._signed[audience] = (now + LIFETIME_SECONDS / 2, token)
        return token


class InternalVerifier:
    """Verifies tokens made for `audience`."""

    def __init__(self, secret: str, audience: str, clock: Clock = system_clock) -> None:
        self._secret = secret.encode()
        self._audience = audience
        self._clock = clock

    def check(self, header: str | None) -> str:
        """The issuer; raises Unauthenticated for whatever is wrong."""
        found = _SHAPE.match(header or "")
        if found is None or header is None or header.endswith("\n"):
            raise Unauthenticated
        issuer, audience, expiry, mac = found.groups()
        genuine = hmac.compare_digest(mac, _mac(self._secret, header[: -len(mac) - 1]))
        left = int(expiry) - self._clock()
        if not genuine or audience != self._audience:
            raise Unauthenticated
        if not 0 < left <= LIFETIME_SECONDS + _SKEW_SECONDS:
            raise Unauthenticated
        return issuer


def _mac(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
