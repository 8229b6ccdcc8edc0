"""A caller's event stream in bare ASGI: frames go out at once, a caller who left is nobody."""

import asyncio

from common.app import Send
from common.app.connection import Connection, chunk
from common.contracts.common import Headers
from common.contracts.sessions import Ticket

RawHeaders = list[tuple[bytes, bytes]]


def session_headers(name: str, sid: str, *, vip: bool) -> RawHeaders:
    """For the gateway, which makes a visitor's token of them and strips what is internal."""
    return [
        (Headers.SESSION_NAME.lower().encode(), name.encode()),
        (Headers.SESSION_SID.lower().encode(), sid.encode()),
        (Headers.SESSION_VIP.lower().encode(), b"1" if vip else b"0"),
    ]


class EventStream:
    """The `Listener` of `/api/chat/stream`. A caller who is gone, or takes nothing for as long as
    the deadline, is written to no more; the turn goes on without them. What a slow one has not
    taken waits here: an answer is 64 KB at most."""

    def __init__(self, send: Send, connection: Connection, *, deadline_seconds: float) -> None:
        self._send = send
        self._connection = connection
        self._deadline = deadline_seconds
        self._gone = False
        self._slow_since: float | None = None

    async def open(self, ticket: Ticket) -> None:
        """The headers; not before there is a ticket."""
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store, no-transform"),
            (b"x-accel-buffering", b"no"),
            *session_headers(ticket.session_name, ticket.sid, vip=ticket.vip),
        ]
        await self._pass({"type": "http.response.start", "status": 200, "headers": headers})

    def write(self, frame: bytes) -> None:
        """In the step in which the frame came, past the layers that the head went through."""
        if self._gone:
            return
        if not self._connection.paused:
            self._slow_since = None
        elif self._too_slow():
            self._gone = True
            return
        # one who left takes nothing: `Connection.write` drops it
        self._connection.write(chunk(frame))

    async def close(self) -> None:
        if not self._gone and self._connection.paused:
            try:
                async with asyncio.timeout(self._deadline):
                    await self._connection.drained()
            except TimeoutError:
                self._connection.abort()
                self._gone = True
        await self._pass({"type": "http.response.body", "body": b""})
        self._gone = True

    def _too_slow(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._slow_since is None:
            self._slow_since = now
        return now - self._slow_since > self._deadline

    async def _pass(self, message: dict[str, object]) -> None:
        if self._gone:
            return
        try:
            await self._send(message)
        except OSError:
            self._gone = True
