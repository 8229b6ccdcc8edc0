"""Gives every process its port, and finds out by name which are taken."""

import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Next to the gateway's port, in this order.
OFFSETS = {
    "gateway": 0,
    "chat-proxy": 1,
    "session-state": 2,
    "auth": 3,
    "notifier": 4,
    "redis": 5,
    "simulator": 6,
    "mailcatcher": 7,
    "mailcatcher-page": 8,
}
FIRST_REPLICA_OFFSET = 10
# below the ports of outgoing connections, one of which could take it before its process does
_CHOICE = range(20_000, 32_000)


class PortsTakenError(Exception):
    """Somebody else listens where we would."""

    def __init__(self, taken: Iterable[tuple[str, int]]) -> None:
        self.taken = tuple(taken)
        words = ", ".join(f"{port} ({name})" for name, port in self.taken)
        super().__init__(
            f"port {words} is taken. Stop what listens there, or choose other ports: "
            "PORT=9000 make run takes 9000 and those next to it."
        )


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of everything: one a process, in the order of the replicas."""

    of: Mapping[str, tuple[int, ...]]

    def one(self, name: str, index: int = 0) -> int:
        """The port of this one; of a service with fewer replicas, the one that serves `index`."""
        own = self.of[name]
        return own[index % len(own)]


def next_to(base: int, counts: Mapping[str, int], *, host: str = "127.0.0.1") -> Ports:
    """Fixed ports beside `base`; further replicas take free ones above. Raises PortsTakenError."""
    named = {name: base + offset for name, offset in OFFSETS.items() if counts.get(name, 0) > 0}
    taken = [(name, port) for name, port in named.items() if not is_free(port, host=host)]
    if taken:
        raise PortsTakenError(taken)
    found = {name: [port] for name, port in named.items()}
    candidate = base + FIRST_REPLICA_OFFSET
    for name, ports in found.items():
        while len(ports) < counts[name]:
            if is_free(candidate, host=host):
                ports.append(candidate)
            candidate += 1
    return Ports({name: tuple(ports) for name, ports in found.items()})


def anywhere(counts: Mapping[str, int]) -> Ports:
    """Free ports for all; they are held open together, so that none is given twice."""
    held: list[socket.socket] = []
    found: dict[str, tuple[int, ...]] = {}
    try:
        for name, count in counts.items():
            fresh = [_hold() for _ in range(count)]
            held += fresh
            found[name] = tuple(int(probe.getsockname()[1]) for probe in fresh)
    finally:
        for probe in held:
            probe.close()
    return Ports(found)


def is_free(port: int, *, host: str = "127.0.0.1") -> bool:
    """Whether one could listen here now."""
    if not 0 < port < 65536:
        return False
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: a connection that is just dying does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _hold() -> socket.socket:
    while True:
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", secrets.choice(_CHOICE)))
        except OSError:
            probe.close()
        else:
            return probe
