"""What becomes of one delivered entry: applied, tried again, or put aside as a dead letter.

    handler returns          a receipt, soon an XACK
    handler raises           again after a pause, until 5 deliveries, then dead letter
    not now (Redis is away)  again after a pause, as long as it takes; no delivery is counted
    undecodable              dead letter at once

A dead letter is the entry with `reason`, `origin` (its id on the bus), `deliveries`, `failed_at`;
it is written and the entry acknowledged in one MULTI.
"""

import asyncio
import contextlib
import itertools
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from common.bus.entry import Entry
from common.bus.gauges import BusGauges
from common.bus.lanes import Delivery
from common.bus.receipts import Receipts
from common.clock import Clock
from common.errors import Busy, StateUnavailable, Unconfirmed
from common.events.base import Event, Undecodable
from common.redis import streams
from common.redis.client import RedisClient
from common.redis.command import Arg
from common.redis.keys import Keys

log = logging.getLogger(__name__)

T = TypeVar("T")
Handler = Callable[[Event, Entry], Awaitable[None]]

MAX_DELIVERIES = 5
_LONGEST_PAUSE_SECONDS = 5.0


class _Stopping(Exception):
    """This process ends: the entry stays pending for the next."""


class Deliveries:
    """Works on the deliveries of one consumer until `stop` is set."""

    def __init__(  # noqa: PLR0913
        self,
        redis: RedisClient,
        keys: Keys,
        *,
        group: str,
        consumer: str,
        handlers: Mapping[str, Handler],
        receipts: Receipts,
        gauges: BusGauges,
        clock: Clock,
        stop: asyncio.Event,
        handler_seconds: float,
        pause_seconds: float,
    ) -> None:
        self._redis = redis
        self._bus = keys.bus()
        self._dead = keys.dead(group)
        self._group = group
        self._consumer = consumer
        self._handlers = handlers
        self._receipts = receipts
        self._gauges = gauges
        self._clock = clock
        self._stop = stop
        self._handler_seconds = handler_seconds
        self._pause_seconds = pause_seconds

    async def work(self, delivery: Delivery) -> None:
        """Ends when the entry is settled or somebody else's; or, stopping, leaves it pending."""
        with contextlib.suppress(_Stopping):
            await self._settle(delivery.entry, delivery.number)

    # --- inside ------------------------------------------------------------------------------
    async def _settle(self, entry: Entry, count: int) -> None:
        reason = "processes died while they handled it"
        while count <= MAX_DELIVERIES:
            try:
                await self._patiently(lambda: self._apply(entry))
            except _Stopping:
                raise
            except Undecodable as error:
                reason = f"undecodable: {error}"
                break
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                self._tell(entry, error, count=count)
            else:
                self._receipts.add(entry.id)
                self._gauges.handled()
                return
            if count == MAX_DELIVERIES:
                break
            await self._pause(count)
            if not await self._patiently(lambda: self._deliver_again(entry)):
                return
            count += 1
        await self._patiently(lambda: self._bury(entry, reason, count=count))

    async def _apply(self, entry: Entry) -> None:
        event = entry.event()
        async with asyncio.timeout(self._handler_seconds):
            await self._handlers[entry.type](event, entry)

    async def _deliver_again(self, entry: Entry) -> bool:
        """Counts one more delivery in Redis, so that it survives us; False: no longer ours."""
        if not await self._is_ours(entry):
            return False
        self._gauges.retried()
        return bool(
            await self._redis.xclaim(
                self._bus, self._group, self._consumer, min_idle_ms=0, entry_ids=[entry.id]
            )
        )

    async def _bury(self, entry: Entry, reason: str, *, count: int) -> None:
        # asked first, since a lost answer may hide that the letter is written
        if not await self._is_ours(entry):
            return
        letter: dict[bytes, Arg] = {
            **entry.fields,
            b"reason": reason.encode()[:1000],
            b"origin": entry.id,
            b"deliveries": count,
            b"failed_at": f"{self._clock():.3f}",
        }
        await self._redis.transaction(
            [
                streams.xadd(self._dead, letter),
                streams.xack(self._bus, self._group, entry.id),
            ]
        )
        self._gauges.dead()
        log.error("dead letter", extra={"entry": entry.id, "type": entry.type, "reason": reason})

    async def _is_ours(self, entry: Entry) -> bool:
        rows = await self._redis.xpending_range(
            self._bus, self._group, low=entry.id, high=entry.id, count=1
        )
        return bool(rows) and rows[0][1] == self._consumer

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """The step, repeated as long as Redis is away."""
        for attempt in itertools.count(1):
            try:
                return await step()
            except (StateUnavailable, Busy, Unconfirmed) as error:
                log.warning("not now", extra={"group": self._group, "reason": error.code})
            await self._pause(attempt)
        raise AssertionError

    async def _pause(self, attempt: int) -> None:
        longest = min(_LONGEST_PAUSE_SECONDS, self._pause_seconds * 2 ** min(attempt - 1, 10))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest * random.uniform(0.5, 1.0)):
                await self._stop.wait()
        if self._stop.is_set():
            raise _Stopping

    def _tell(self, entry: Entry, error: Exception, *, count: int) -> None:
        log.warning(
            "event not applied",
            extra={"entry": entry.id, "type": entry.type, "delivery": count},
            exc_info=error,
        )
