"""The socket under an open response, so that readers write to it without a task switch.

uvicorn's `send` is a coroutine and formats each chunk anew; at 150,000 deliveries a second a core
that is what costs. Its response cycle, which is who `receive` belongs to, holds the transport and
its flow control. This is the one module that knows; `test_gateway_units.py` guards it
against a new uvicorn.
"""

import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def chunk(payload: bytes) -> bytes:
    """HTTP/1.1 chunk framing, so that a frame goes to the socket as it is."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


# A vanished client is found within 25 s: 10 s of silence, then a probe each 5 s.
_KEEP_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 25_000),
)


class Connection:
    """Write side of one response whose head has been sent by `send`."""

    __slots__ = ("_cycle", "_flow", "_transport")

    def __init__(self, cycle: Any) -> None:
        self._cycle = cycle
        self._flow = cycle.flow
        self._transport = cycle.transport

    def write(self, chunk: bytes) -> None:
        """Written, or dropped where the client has gone: uvloop raises on a closed transport."""
        if not self._transport.is_closing():
            self._transport.write(chunk)

    @property
    def paused(self) -> bool:
        """The client reads slower than we write; what is written now would pile up."""
        return bool(self._flow.write_paused)

    @property
    def gone(self) -> bool:
        return bool(self._cycle.disconnected) or self._transport.is_closing()

    async def drained(self) -> None:
        """Returns when writing is possible again, or when the client has gone."""
        await self._flow.drain()

    def wake(self) -> None:
        """Make the pending `receive()` return an empty message."""
        self._cycle.message_event.set()

    def abort(self) -> None:
        """Drop the connection and whatever it has not taken yet."""
        self._transport.abort()

    def bound(self, send_buffer_bytes: int) -> None:
        """Bound what a client that never reads can hold, and find one that vanished."""
        self._transport.set_write_buffer_limits(high=send_buffer_bytes)
        sock = self._transport.get_extra_info("socket")
        if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        for level, option, value in _KEEP_ALIVE:
            sock.setsockopt(level, option, value)


def connection_of(receive: Receive) -> Connection:
    """The connection an ASGI call came by; a server that is not uvicorn is refused."""
    cycle = getattr(receive, "__self__", None)
    if not all(hasattr(cycle, name) for name in ("transport", "flow", "message_event")):
        raise RuntimeError("streams need uvicorn's HTTP protocol under them")
    return Connection(cycle)
