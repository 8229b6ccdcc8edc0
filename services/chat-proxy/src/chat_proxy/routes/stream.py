"""A caller's event stream in bare ASGI: frames go out at once, a caller who left is nobody."""

import asyncio

from common.app import Send
from common.contracts.common import Headers
from common.contracts.sessions import Ticket

# Sending waits only once 64 KB lie unsent; until then a timer for each frame (6 µs) guards nothing.
_NEVER_WAITS = 48 * 1024

RawHeaders = list[tuple[bytes, bytes]]


def session_headers(name: str, sid: str, *, vip: bool) -> RawHeaders:
    """For the gateway, which makes a visitor's token of them and strips what is internal."""
    return [
        (Headers.SESSION_NAME.lower().encode(), name.encode()),
        (Headers.SESSION_SID.lower().encode(), sid.encode()),
        (Headers.SESSION_VIP.lower().encode(), b"1" if vip else b"0"),
    ]


class EventStream:
    """The `Listener` of `/api/chat/stream`. A caller who is gone, or takes a frame slower than
    the deadline, is written to no more; the turn goes on without them."""

    def __init__(self, send: Send, *, deadline_seconds: float) -> None:
        self._send = send
        self._deadline = deadline_seconds
        self._gone = False
        self._written = 0

    async def open(self, ticket: Ticket) -> None:
        """The headers; not before there is a ticket."""
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store, no-transform"),
            (b"x-accel-buffering", b"no"),
            *session_headers(ticket.session_name, ticket.sid, vip=ticket.vip),
        ]
        await self._pass({"type": "http.response.start", "status": 200, "headers": headers})

    async def write(self, frame: bytes) -> None:
        self._written += len(frame)
        await self._pass({"type": "http.response.body", "body": frame, "more_body": True})

    async def close(self) -> None:
        await self._pass({"type": "http.response.body", "body": b""})
        self._gone = True

    async def _pass(self, message: dict[str, object]) -> None:
        if self._gone:
            return
        try:
            if self._written < _NEVER_WAITS:
                await self._send(message)
            else:
                async with asyncio.timeout(self._deadline):
                    await self._send(message)
        except (OSError, TimeoutError):
            self._gone = True
