"""Reads the whole bus without a group: one reader a process, whatever the number of listeners.

A listener is called with every entry, in the bus's order, and must be quick: it runs in the reader.
Entries are never skipped while the reader was away, unless the bus itself lost them (flushed,
restored): then the reset listeners are called, and clients must reload.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from common.bus.entry import Entry
from common.bus.gaps import Gaps
from common.bus.gauges import BusGauges
from common.clock import Clock
from common.errors import Busy, StateUnavailable
from common.metrics import Metrics
from common.redis.client import RedisClient
from common.redis.errors import Refused
from common.redis.keys import Keys

log = logging.getLogger(__name__)

# A read that says nothing for this long means Redis can't be heard. Agents get 503 when that lasts
# over a second (revocations could be missed), so it must be noticed within one.
BLOCK_MS = 400
_READ_SECONDS = 1.0
READ_COUNT = 500
_CHECK_SECONDS = 2.0
_PAUSE_SECONDS = 0.1

T = TypeVar("T")
Listener = Callable[[Entry], None]


class Tail:
    """Starts at the newest entry, or `replay_seconds` before it (revocations). `linger_seconds` is
    how long a read waits for more company after one that brought something: ten entries in one
    read cost a third of ten reads."""

    def __init__(
        self,
        redis: RedisClient,
        keys: Keys,
        *,
        clock: Clock,
        replay_seconds: float = 0.0,
        linger_seconds: float = 0.0,
        metrics: Metrics | None = None,
    ) -> None:
        self._redis = redis
        self._bus = keys.bus()
        self._clock = clock
        self._replay_seconds = replay_seconds
        self._linger = linger_seconds
        self._listeners: list[Listener] = []
        self._reset_listeners: list[Callable[[], None]] = []
        self._gaps = Gaps()
        self._position = "0-0"
        self._newest_at_start = "0-0"
        self._written = 0
        self._ready = asyncio.Event()
        self._failing_since: float | None = None
        self._lag = 0.0
        self.gauges = BusGauges(metrics or Metrics("bus"), "tail")

    # --- for listeners -----------------------------------------------------------------------
    def listen(self, listener: Listener) -> Callable[[], None]:
        """Returns what ends it. What a listener raises is logged and counted, and stops nobody."""
        return _add(self._listeners, listener)

    def listen_resets(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Called when entries may have been lost for ever: flushed or restored."""
        return _add(self._reset_listeners, listener)

    async def ready(self) -> None:
        """Returns when all that was on the bus at the start (and is replayed) has been heard."""
        await self._ready.wait()

    def failing_for(self, now: float) -> float:
        """Seconds since when the bus could not be read; 0 while it can."""
        return 0.0 if self._failing_since is None else max(0.0, now - self._failing_since)

    @property
    def position(self) -> str:
        """The id of the last entry heard."""
        return self._position

    @property
    def lag_seconds(self) -> float:
        """How old the last entry was when it was heard."""
        return self._lag

    # --- reading -----------------------------------------------------------------------------
    async def run(self) -> None:
        """Until cancelled; waits for Redis as long as it takes."""
        loop = asyncio.get_running_loop()
        reader = self._redis.blocking()
        check_at = loop.time() + _CHECK_SECONDS
        try:
            await self._until_heard(self._start)
            while True:
                if loop.time() >= check_at:
                    await self._until_heard(self._check)
                    check_at = loop.time() + _CHECK_SECONDS
                if await self._until_heard(lambda: self._read(reader)) and self._linger:
                    await asyncio.sleep(self._linger)
        finally:
            await reader.close()

    async def _until_heard(self, step: Callable[[], Awaitable[T]]) -> T:
        while True:
            began = self._clock()
            try:
                async with asyncio.timeout(_READ_SECONDS):
                    done = await step()
            except (TimeoutError, StateUnavailable, Busy) as error:
                if self._failing_since is None:
                    # perhaps Redis or this process only stood still: the next try tells at once
                    self._failing_since = began
                    log.warning("the bus can't be heard", extra={"reason": repr(error)})
                else:
                    await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._failing_since = None
                return done

    async def _start(self) -> None:
        self._newest_at_start, self._written = await self._written_so_far()
        self._position = self._newest_at_start
        if self._replay_seconds:
            since = f"{int((await self._redis.time() - self._replay_seconds) * 1000)}-0"
            # above the newest entry it would look like the place in a bus that was lost
            if _below(since, self._newest_at_start):
                self._position = since

    async def _read(self, reader: RedisClient) -> int:
        """How many entries came. While the bus is unheard nothing is waited for: that it answers
        is news enough."""
        block_ms = BLOCK_MS if self._failing_since is None else 1
        streams = await reader.xread(
            {self._bus: self._position}, count=READ_COUNT, block_ms=block_ms
        )
        rows = streams.get(self._bus, [])
        for row in rows:
            entry = Entry(*row)
            if missing := self._gaps.missing(entry):
                self.gauges.gaps(missing)
                log.error("sequence gap", extra={"entry": entry.id, "missing": missing})
            for listener in tuple(self._listeners):
                self._tell(listener, entry)
            self._position = entry.id
        if rows:
            self._lag = max(0.0, self._clock() - _milliseconds(self._position) / 1000)
            self.gauges.lag.set(self._lag)
        if not rows or not _below(self._position, self._newest_at_start):
            self._ready.set()
        return len(rows)

    def _tell(self, listener: Listener, entry: Entry) -> None:
        try:
            listener(entry)
        except Exception:
            self.gauges.errors()
            log.exception("a listener of the tail failed", extra={"entry": entry.id})

    async def _check(self) -> None:
        """A stream that was written less often than we have seen is another one."""
        newest, written = await self._written_so_far()
        if written >= self._written and not _below(newest, self._position):
            self._written = written
            return
        if self._replay_seconds and not self._ready.is_set():
            return  # the position is an instant still, not an entry
        log.error("the bus was replaced", extra={"position": self._position, "newest": newest})
        self.gauges.alarms()
        self._gaps.forget()
        self._written = written
        if _below(newest, self._position):
            self._position = newest
        for listener in tuple(self._reset_listeners):
            listener()

    async def _written_so_far(self) -> tuple[str, int]:
        """The id written last, and how many entries there ever were."""
        try:
            facts = await self._redis.xinfo_stream(self._bus)
        except Refused:  # no such key
            return "0-0", 0
        return facts["last-generated-id"].decode(), facts["entries-added"]


def _add(listeners: list[T], listener: T) -> Callable[[], None]:
    listeners.append(listener)

    def remove() -> None:
        if listener in listeners:
            listeners.remove(listener)

    return remove


def _milliseconds(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])


def _below(one: str, other: str) -> bool:
    return _parsed(one) < _parsed(other)


def _parsed(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)
