"""One TCP connection to Redis on which many callers' commands travel together.

Commands handed over in one turn of the event loop leave in one write; replies are given out in the
order of the commands, which is Redis's own guarantee. A caller who is cancelled leaves its place
in that order: its reply is taken from the line and dropped, so nobody gets another's.

The connection counts as dead when an answer is due and nothing at all has come for
`timeout_seconds`; idle, it is asked `PING` every 15 s.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis

from common.errors import Busy, Unconfirmed
from common.redis.command import pack
from common.redis.errors import Lost, Refused

HEALTH_CHECK_SECONDS = 15.0
# Each command in flight holds a future and a caller; above this Redis is not keeping up
MAX_IN_FLIGHT = 20_000

_MORE = object()
_PING = pack("PING")

Message = Callable[[bytes], None]


class Batch:
    """Commands that one caller sent together, and the replies that have come so far."""

    __slots__ = ("confirm", "missing", "outcome", "replies")

    def __init__(self, size: int, outcome: asyncio.Future[list[Any]], *, confirm: bool) -> None:
        self.missing = size
        self.outcome = outcome
        self.confirm = confirm
        self.replies: list[Any] = []


class Wire(asyncio.Protocol):
    """`send` puts commands on the wire; `lost` tells that it is of no more use."""

    def __init__(
        self,
        *,
        timeout_seconds: float,
        wait_replicas: int = 0,
        on_message: Message | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout_seconds
        self._wait_replicas = wait_replicas
        self._on_message = on_message
        self._reader = hiredis.Reader(replyError=Refused, notEnoughData=_MORE)
        self._out: list[bytes] = []
        self._queued: list[Batch] = []  # what `_out` asks, a batch once per command
        self._asked: deque[Batch | None] = deque()  # written, unanswered; None: a WAIT of ours
        self._held: list[Batch] = []  # answered writes whose WAIT is not answered yet
        self._transport: asyncio.Transport | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._progress_at = self._loop.time()
        self._retired = False
        self.lost = False
        self.why = ""

    # --- asyncio.Protocol --------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes
        self._transport = cast("asyncio.Transport", transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        self._progress_at = self._loop.time()
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _MORE:
                self._take(reply)
        except hiredis.ProtocolError as error:
            self.abort(f"unreadable reply: {error}")
        if self._retired:
            self.retire()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc else "closed by the server")

    # --- for the line ------------------------------------------------------------------------
    def send(self, packed: Sequence[bytes], *, confirm: bool = False) -> asyncio.Future[list[Any]]:
        """The replies in order, a `Refused` among them where Redis said so. The commands leave in
        one piece, in one write with whatever else this turn of the loop sends."""
        if self.lost or self._retired:
            raise Lost(self.why or "the connection is closed", sent=False)
        if len(self._asked) + len(self._queued) >= MAX_IN_FLIGHT:
            raise Busy(retry_after=1)
        if not self._queued:
            self._loop.call_soon(self._flush)
        outcome: asyncio.Future[list[Any]] = self._loop.create_future()
        batch = Batch(len(packed), outcome, confirm=confirm and self._wait_replicas > 0)
        self._out.extend(packed)
        self._queued.extend([batch] * len(packed))
        return outcome

    def retire(self) -> None:
        """Takes no more commands, and closes when the last answer has come."""
        self._retired = True
        if not self._asked and not self._queued and self._transport is not None:
            self._transport.close()

    def abort(self, why: str) -> None:
        """Ends the connection at once; everybody who waits is told `Lost`."""
        self._end(why)
        if self._transport is not None:
            self._transport.abort()

    # --- inside ------------------------------------------------------------------------------
    def _flush(self) -> None:
        if self.lost or self._transport is None or not self._queued:
            return
        if not self._asked:
            self._progress_at = self._loop.time()
        self._asked.extend(self._queued)
        if self._wait_replicas and any(batch.confirm for batch in self._queued):
            milliseconds = int(self._timeout * 500)  # below the timeout of the wire itself
            self._out.append(pack("WAIT", self._wait_replicas, milliseconds))
            self._asked.append(None)
        self._transport.write(b"".join(self._out))
        self._queued.clear()
        self._out.clear()

    def _take(self, reply: Any) -> None:
        if self._on_message is not None and isinstance(reply, list) and reply[0] == b"message":
            self._on_message(reply[2])
            return
        if not self._asked:
            raise hiredis.ProtocolError("a reply that nobody asked for")
        batch = self._asked.popleft()
        if batch is None:
            self._confirm(reply)
            return
        batch.replies.append(reply)
        batch.missing -= 1
        if batch.missing:
            return
        if batch.confirm and not all(isinstance(reply, Refused) for reply in batch.replies):
            self._held.append(batch)
        elif not batch.outcome.done():  # done: its caller was cancelled, the reply goes nowhere
            batch.outcome.set_result(batch.replies)

    def _confirm(self, replicas: Any) -> None:
        enough = isinstance(replicas, int) and replicas >= self._wait_replicas
        held, self._held = self._held, []
        for batch in held:
            if batch.outcome.done():
                continue
            if enough:
                batch.outcome.set_result(batch.replies)
            else:
                batch.outcome.set_exception(Unconfirmed())

    def _watch(self) -> None:
        silent = self._loop.time() - self._progress_at
        if self._asked and silent > self._timeout:
            self.abort(f"no answer for {self._timeout:g} s")
            return
        if not self._asked and silent > HEALTH_CHECK_SECONDS and not self._retired:
            self.send([_PING]).add_done_callback(_seen)
        self._tick = self._loop.call_later(min(1.0, self._timeout / 4), self._watch)

    def _end(self, why: str) -> None:
        if self.lost:
            return
        self.lost, self.why = True, why
        if self._tick is not None:
            self._tick.cancel()
        asked = [batch for batch in (*self._asked, *self._held) if batch is not None]
        for batches, sent in ((asked, True), (self._queued, False)):
            for batch in batches:
                if not batch.outcome.done():
                    batch.outcome.set_exception(Lost(why, sent=sent))
        for store in (self._asked, self._held, self._queued, self._out):
            store.clear()


def _seen(outcome: asyncio.Future[list[Any]]) -> None:
    """Marks the outcome as looked at, so that asyncio does not report it as forgotten."""
    if not outcome.cancelled():
        outcome.exception()
