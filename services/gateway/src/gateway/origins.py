"""Which pages of which sites may call: exact origins only, and never with credentials."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from gateway.shops import Shops

_LOCAL = ("localhost", "127.0.0.1", "[::1]")
_EXPOSED = (
    b"X-Visitor-Token, X-Session-Name, X-Request-ID, API-Version, Retry-After, "
    b"RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)
_ALLOWED_HEADERS = (
    b"Authorization, Content-Type, Last-Event-ID, X-API-Key, X-Request-ID, X-Visitor-Token, "
    b"traceparent"
)
_PREFLIGHT_SECONDS = b"600"


class Origins:
    """The allow-list: ALLOWED_ORIGINS, the shops' own, the gateway's own pages, and in
    development every page of this machine."""

    def __init__(self, allowed: Iterable[str], shops: Shops, *, local_too: bool) -> None:
        self._allowed = frozenset(allowed) | shops.origins()
        self._local_too = local_too

    def allows(self, origin: str, *, host: str, scheme: str) -> bool:
        if origin in self._allowed or origin == f"{scheme}://{host}":
            return True
        return self._local_too and _is_local(origin)

    def all(self) -> frozenset[str]:
        return self._allowed


def _is_local(origin: str) -> bool:
    parts = urlsplit(origin)
    host = parts.netloc.rpartition(":")[0] if parts.netloc.count(":") else parts.netloc
    return parts.scheme in ("http", "https") and host in _LOCAL


def answer_headers(origin: bytes) -> list[tuple[bytes, bytes]]:
    """What lets the page at an allowed origin read an answer."""
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED),
    ]


def preflight_headers(methods: Iterable[str]) -> list[tuple[bytes, bytes]]:
    return [
        (b"access-control-allow-methods", ", ".join(methods).encode()),
        (b"access-control-allow-headers", _ALLOWED_HEADERS),
        (b"access-control-max-age", _PREFLIGHT_SECONDS),
    ]
