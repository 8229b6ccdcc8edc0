"""Where Redis is, read from REDIS_URL; standalone, Sentinel and Cluster differ in nothing else.

    redis://[user:password@]host[:6379][/db]
    rediss://…                                              the same over TLS
    redis+sentinel://[user:password@]h1:26379,h2:26379/<service>[/db][?sentinel_password=…]
    redis+cluster://[user:password@]h1:6379,h2:6379         seeds; all keys live in one slot

`?wait_replicas=1` makes every flushed batch of writes end in `WAIT 1`.
"""

import ssl
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

Node = tuple[str, int]
Kind = Literal["single", "sentinel", "cluster"]

_KINDS: dict[str, Kind] = {
    "redis": "single",
    "rediss": "single",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed REDIS_URL; `repr` and `str` never show the password."""

    kind: Kind
    nodes: tuple[Node, ...]
    database: int
    service: str
    credentials: tuple[str, ...]
    sentinel_credentials: tuple[str, ...]
    tls: ssl.SSLContext | None
    wait_replicas: int

    def __repr__(self) -> str:
        places = ",".join(f"{host}:{port}" for host, port in self.nodes)
        return f"<{self.kind} {places}/{self.service or self.database}>"


def parse_address(url: str) -> Address:
    """Raises ValueError naming what is wrong, never quoting the password."""
    parts = urlsplit(url)
    kind = _KINDS.get(parts.scheme)
    if kind is None:
        raise ValueError(f"REDIS_URL: unknown scheme {parts.scheme!r}; one of {sorted(_KINDS)}")
    login, _, places = parts.netloc.rpartition("@")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    service, database = _path(kind, parts)
    told = options.get("wait_replicas", "0")
    if not told.isdecimal():
        raise ValueError("REDIS_URL: wait_replicas is not a number")
    wait_replicas = int(told)
    if wait_replicas and kind == "cluster":  # see `Line._connect`: PUBLISH is no write there
        raise ValueError("REDIS_URL: wait_replicas is for standalone and Sentinel")
    return Address(
        kind=kind,
        nodes=_nodes(places, 26379 if kind == "sentinel" else 6379),
        database=database,
        service=service,
        credentials=_credentials(login),
        sentinel_credentials=_credentials(":" + options.get("sentinel_password", "")),
        tls=ssl.create_default_context() if parts.scheme.startswith("rediss") else None,
        wait_replicas=wait_replicas,
    )


def _path(kind: Kind, parts: SplitResult) -> tuple[str, int]:
    words = [word for word in parts.path.split("/") if word]
    if kind == "sentinel" and not words:
        raise ValueError("REDIS_URL: a Sentinel URL names its service: …/<service>")
    service = words.pop(0) if kind == "sentinel" else ""
    if words and not words[0].isdigit():
        raise ValueError("REDIS_URL: the path is the number of the database")
    return service, int(words[0]) if words else 0


def _nodes(places: str, default_port: int) -> tuple[Node, ...]:
    nodes = tuple(_node(place, default_port) for place in places.split(",") if place)
    if not nodes:
        raise ValueError("REDIS_URL: no host")
    return nodes


def _node(place: str, default_port: int) -> Node:
    place = unquote(place)
    if place.startswith("["):  # IPv6
        host, _, rest = place[1:].partition("]")
        return host, int(rest[1:]) if rest[1:] else default_port
    host, _, port = place.partition(":")
    if port and not port.isdigit():
        raise ValueError("REDIS_URL: the port is not a number")
    return host, int(port) if port else default_port


def _credentials(login: str) -> tuple[str, ...]:
    """The words after AUTH: a password, or a user and a password."""
    user, _, password = login.partition(":")
    return tuple(unquote(word) for word in (user, password) if word)
