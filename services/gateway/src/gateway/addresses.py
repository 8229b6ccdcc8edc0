"""Where a call really comes from: the rightmost hop that is not one of our own proxies."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from common.app import Scope

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(text: str) -> list[Network]:
    """Comma-separated networks or addresses; raises ValueError."""
    return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]


class Addresses:
    """`X-Forwarded-For` counts only as far as trusted proxies wrote it; whatever a caller put
    there itself stands further left and is never looked at."""

    def __init__(self, trusted: Iterable[Network]) -> None:
        self._trusted = list(trusted)

    def of(self, scope: Scope) -> str:
        peer = _peer(scope)
        if not self._trusted or not self._is_trusted(peer):
            return peer
        address = peer
        for hop in reversed(_hops(scope)):
            found = _parse(hop)
            if found is None:
                break
            address = str(found)
            if not self._is_trusted(address):
                break
        return address

    def is_proxied(self, scope: Scope) -> bool:
        return any(name == b"x-forwarded-for" for name, _ in scope["headers"])

    def scheme_of(self, scope: Scope) -> str:
        """`https` where a trusted proxy took TLS off."""
        if self._trusted and self._is_trusted(_peer(scope)):
            for name, value in scope["headers"]:
                if name == b"x-forwarded-proto":
                    return "https" if value.strip().lower() == b"https" else "http"
        return str(scope.get("scheme", "http"))

    def _is_trusted(self, address: str) -> bool:
        found = _parse(address)
        return found is not None and any(found in network for network in self._trusted)


def is_within(address: str, ranges: Iterable[Network]) -> bool:
    found = _parse(address)
    return found is not None and any(found in network for network in ranges)


def _peer(scope: Scope) -> str:
    client: Any = scope.get("client")
    return str(client[0]) if client else ""


def _hops(scope: Scope) -> list[str]:
    lines = [v.decode("latin-1") for n, v in scope["headers"] if n == b"x-forwarded-for"]
    return [hop.strip() for hop in ",".join(lines).split(",")]


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, also `[v6]:port` and `v4:port`, as some proxies write them."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


def client_prefix(address: str) -> str:
    """Who counts as one address: an IPv6 customer holds a whole /64."""
    found = _parse(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address
