"""The write side of one events stream: in order, once, and never faster than its reader.

    opening ──recovered──▶ live ──paused, or a gap──▶ holding ──recovered──▶ live
                             └────────── end(frame) ──────────▶ ended

While live, the bus reader writes straight to the socket. While holding, frames wait in a bounded
queue; when it overflows they are dropped, because the log has them, and the stream's own task
catches up from there. Whatever way a frame comes, `last` says what the reader has.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

from common.app.connection import Connection

# Every stored frame above a position, in order; the last one may be empty: it tells how far.
Replay = Callable[[int], AsyncIterator[tuple[int, bytes]]]
_MAX_FRUITLESS = 5


class ClientGone(Exception):
    """The reader left; there is nobody to tell."""


class Unreplayable(Exception):
    """What was missed can't be had any more: the client must reload."""


class Outlet:
    """Positions rise; `contiguous` ones rise by one, so that a hole is seen and filled."""

    __slots__ = (
        "_connection",
        "_contiguous",
        "_held",
        "_queue",
        "behind",
        "ended",
        "last",
        "send_deadline_seconds",
    )

    def __init__(
        self,
        connection: Connection,
        *,
        contiguous: bool,
        queue: int,
        send_deadline_seconds: float,
    ) -> None:
        self._connection = connection
        self._contiguous = contiguous
        self._queue = queue
        self.send_deadline_seconds = send_deadline_seconds
        self._held: list[tuple[int, bytes]] | None = []
        self.last = 0
        self.behind = False
        self.ended: bytes | None = None

    @property
    def holding(self) -> bool:
        return self._held is not None

    def offer(self, position: int, chunk: bytes) -> None:
        """A stored frame, from the bus; empty where this reader may not see it."""
        if self._held is None:
            if position <= self.last or self.ended is not None:
                return
            if self._skips(position):
                self.fall_behind()
                return
            if not chunk or not self._connection.paused:
                self.last = position
                if chunk:
                    self._connection.write(chunk)
                return
            self._hold()
        self._keep(position, chunk)

    def offer_passing(self, chunk: bytes) -> None:
        """A frame that may be lost: typing, a heartbeat."""
        if self._held is None and self.ended is None and not self._connection.paused:
            self._connection.write(chunk)

    def fall_behind(self) -> None:
        """Something is missing: the stream's task will read it from the log."""
        self.behind = True
        self._hold()

    def end(self, chunk: bytes) -> None:
        """The last frame; the first end counts."""
        if self.ended is None:
            self.ended = chunk
            self._connection.wake()

    async def recover(self, replay: Replay) -> None:
        """Write what is held, and before it what the log has, until the reader is live."""
        fruitless = 0
        while self._held is not None and self.ended is None:
            before = self.last
            if self.behind:
                # from here on the queue counts again: what it gets may be newer than the replay
                self.behind = False
                self._held.clear()
                async for position, chunk in replay(self.last):
                    await self._put(position, chunk)
            await self._flush()
            # many rounds for a slow reader of a busy session are well; a hole that stays is not
            fruitless = fruitless + 1 if self.last == before else 0
            if fruitless > _MAX_FRUITLESS:
                raise Unreplayable

    async def write_stored(self, frames: Iterable[tuple[int, bytes]]) -> None:
        """Stored frames in order, before the stream is live."""
        for position, chunk in frames:
            await self._put(position, chunk)

    async def write(self, chunk: bytes) -> None:
        """Write in the stream's own task: waits for the reader, but not for ever."""
        if self._connection.paused:
            await self.writable()
        if self._connection.gone:
            raise ClientGone
        self._connection.write(chunk)

    async def writable(self) -> None:
        """Raises ClientGone when the reader takes nothing for the send deadline."""
        try:
            async with asyncio.timeout(self.send_deadline_seconds):
                await self._connection.drained()
        except TimeoutError:
            self._connection.abort()
            raise ClientGone from None

    def _hold(self) -> None:
        if self._held is None:
            self._held = []
        self._connection.wake()

    def _keep(self, position: int, chunk: bytes) -> None:
        if self.behind or self._held is None:
            return
        if len(self._held) < self._queue:
            self._held.append((position, chunk))
        else:
            self._held.clear()
            self.behind = True

    async def _flush(self) -> None:
        taken, self._held = self._held or [], []
        for position, chunk in taken:
            if self._skips(position):
                self.behind = True
                return
            await self._put(position, chunk)
        if self._connection.paused:
            await self.writable()
        if not self._held and not self.behind:
            self._held = None

    async def _put(self, position: int, chunk: bytes) -> None:
        if position <= self.last:
            return
        if chunk:
            await self.write(chunk)
        self.last = position

    def _skips(self, position: int) -> bool:
        return self._contiguous and position > self.last + 1
