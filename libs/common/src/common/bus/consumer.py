"""Applies what is on the bus for one consumer group: each event at least once, in the order of its
session within this process, and never for ever.

    run ─▶ group from 0 ─▶ own pending ─▶ ┌─▶ others' pending, idle too long (XPENDING + XCLAIM)
                                          └── one blocking read ─▶ lanes ─▶ handler ─▶ receipts

While entries are in hand, a keeper renews their idle time, so only those of a process that died or
froze are taken over. `NOGROUP` and `UNBLOCKED` (the stream or the group was lost) make the group
again from 0 and raise the alarm metric. Stopping, the consumer lets running handlers end, and
leaves the group if nothing of its own is pending.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from common.bus.delivery import Deliveries, Handler
from common.bus.entry import Entry
from common.bus.gaps import Gaps
from common.bus.gauges import BusGauges
from common.bus.lanes import Delivery, Lanes
from common.bus.receipts import Receipts
from common.clock import Clock
from common.errors import Busy, StateUnavailable, Unconfirmed
from common.events.base import Event
from common.metrics import Metrics
from common.redis.client import RedisClient
from common.redis.errors import Refused
from common.redis.keys import Keys
from common.redis.streams import StreamRow

log = logging.getLogger(__name__)

# BLOCK must stay below the connection's timeout (5 s), or silence would look like a dead server
BLOCK_MS = 2000
READ_COUNT = 100
IN_HAND = 256
CONCURRENCY = 32
_LOST = frozenset(("NOGROUP", "UNBLOCKED"))
_AWAY = (StateUnavailable, Busy, Unconfirmed)


class Consumer:
    """`handlers` says who listens to what; events of other types are acknowledged and passed over.
    `consumer` is the process's name: kept over a restart, it finds its own pending at once.
    `linger_seconds` is how long a read waits for more company after one that brought something."""

    def __init__(  # noqa: PLR0913
        self,
        redis: RedisClient,
        keys: Keys,
        *,
        group: str,
        consumer: str,
        handlers: Mapping[type[Event], Handler],
        clock: Clock,
        metrics: Metrics | None = None,
        concurrency: int = CONCURRENCY,
        claim_idle_seconds: float = 10.0,
        handler_seconds: float = 30.0,
        pause_seconds: float = 0.2,
        drain_seconds: float = 4.0,
        linger_seconds: float = 0.0,
    ) -> None:
        self._redis = redis
        self._bus = keys.bus()
        self._group = group
        self._consumer = consumer
        self._types = {cls.type: handler for cls, handler in handlers.items()}
        self._clock = clock
        self._concurrency = concurrency
        self._claim_idle = claim_idle_seconds
        self._block_ms = min(BLOCK_MS, int(claim_idle_seconds * 250))
        self._drain_seconds = drain_seconds
        self._linger = linger_seconds
        self._gaps = Gaps()
        self._alone = True  # in the group; else the numbers we see have holes by nature
        self._stop = asyncio.Event()
        self.gauges = BusGauges(metrics or Metrics("bus"), group)
        self._receipts = Receipts(redis, self._bus, group)
        self._deliveries = Deliveries(
            redis,
            keys,
            group=group,
            consumer=consumer,
            handlers=self._types,
            receipts=self._receipts,
            gauges=self.gauges,
            clock=clock,
            stop=self._stop,
            handler_seconds=handler_seconds,
            pause_seconds=pause_seconds,
        )

    async def run(self) -> None:
        """Until cancelled. Redis being away is waited for; anything else that is not a handler's
        own failure ends it, and with it, under the chassis, the process."""
        self._stop.clear()
        lanes = Lanes(
            self._deliveries.work, stop=self._stop, concurrency=self._concurrency, in_hand=IN_HAND
        )
        reader = self._redis.blocking()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read_for_ever(reader, lanes))
                group.create_task(self._keep_for_ever(lanes))
                group.create_task(self._receipts.run())
                try:
                    await lanes.failure
                finally:
                    # at once: a lane that ends a handler meanwhile must not begin another
                    self._stop.set()
        finally:
            await lanes.drain(self._drain_seconds)
            await reader.close()
            with contextlib.suppress(*_AWAY, Refused, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._receipts.flush()
                    await self._leave()

    # --- reading -----------------------------------------------------------------------------
    async def _read_for_ever(self, reader: RedisClient, lanes: Lanes) -> None:
        loop = asyncio.get_running_loop()
        sure, claim_at = False, 0.0
        while True:
            try:
                if not sure:
                    await self._make_group()
                    # also after a lost answer: what it held is pending with us, and comes first
                    await self._take_over(lanes, idle_seconds=0.0, owner=self._consumer)
                    sure = True
                if loop.time() >= claim_at:
                    await self._take_over(lanes, idle_seconds=self._claim_idle, owner=None)
                    claim_at = loop.time() + self._claim_idle / 4
                if await self._read(reader, lanes) and self._linger:
                    await asyncio.sleep(self._linger)
            except Refused as error:
                if error.code not in _LOST:
                    raise
                self._raise_alarm(error)
                sure = False
            except _AWAY:
                sure = False
                await asyncio.sleep(0.2)

    async def _read(self, reader: RedisClient, lanes: Lanes) -> int:
        """How many entries came."""
        streams = await reader.xreadgroup(
            self._group, self._consumer, {self._bus: ">"}, count=READ_COUNT, block_ms=self._block_ms
        )
        rows = streams.get(self._bus, [])
        await self._hand_out([(row, 1) for row in rows], lanes)
        missing = sum(self._gaps.missing(Entry(*row)) for row in rows)
        if missing and self._alone:
            await self._measure()  # a replica that has just come may have them
            if self._alone:
                self.gauges.gaps(missing)
                log.error("sequence gap", extra={"entry": rows[-1][0], "missing": missing})
        return len(rows)

    async def _hand_out(self, rows: list[tuple[StreamRow, int]], lanes: Lanes) -> None:
        """Ours to the lanes, the others are settled."""
        passed = []
        for row, count in rows:
            entry = Entry(*row)
            if entry.type in self._types:
                await lanes.put(Delivery(entry, count))
            else:
                passed.append(entry.id)
        if passed:
            self._receipts.add(*passed)
            self.gauges.passed(len(passed))

    async def _take_over(self, lanes: Lanes, *, idle_seconds: float, owner: str | None) -> None:
        """Pages through all that is pending for so long and not in our hands."""
        idle_ms, low = int(idle_seconds * 1000), "-"
        while True:
            page = await self._redis.xpending_range(
                self._bus,
                self._group,
                min_idle_ms=idle_ms,
                low=low,
                count=READ_COUNT,
                consumer=owner,
            )
            if not page:
                return
            low = f"({page[-1][0]}"
            in_hand = (lanes.held, self._receipts)
            counts = {
                entry_id: count + 1
                for entry_id, _, _, count in page
                if not any(entry_id in place for place in in_hand)
            }
            if not counts:
                continue
            # the idle guard again: whoever claims second gets nothing
            rows = await self._redis.xclaim(
                self._bus, self._group, self._consumer, min_idle_ms=idle_ms, entry_ids=list(counts)
            )
            self.gauges.claimed(len(rows))
            await self._hand_out([(row, counts[row[0]]) for row in rows], lanes)

    async def _make_group(self) -> None:
        """From 0 and never `$`: what was published before the first start counts too."""
        try:
            await self._redis.xgroup_create(self._bus, self._group, start="0")
        except Refused as error:
            if error.code != "BUSYGROUP":
                raise

    def _raise_alarm(self, error: Refused) -> None:
        self.gauges.alarms()
        self._gaps.forget()
        log.error("the bus was lost", extra={"group": self._group, "reason": str(error)})

    # --- beside the reading ------------------------------------------------------------------
    async def _keep_for_ever(self, lanes: Lanes) -> None:
        while True:
            try:
                await self._keep(lanes)
                await self._measure()
            except (*_AWAY, Refused) as error:  # the reader deals with it
                log.debug("not kept", extra={"reason": str(error)})
            await asyncio.sleep(self._claim_idle / 4)

    async def _keep(self, lanes: Lanes) -> None:
        if lanes.held:
            # idle at least half a turn: an entry that somebody else took a moment ago is theirs
            await self._redis.xclaim_keep(
                self._bus,
                self._group,
                self._consumer,
                min_idle_ms=int(self._claim_idle * 125),
                entry_ids=sorted(lanes.held),
            )

    async def _measure(self) -> None:
        for record in await self._redis.xinfo_groups(self._bus):
            if record["name"].decode() != self._group:
                continue
            alone = record["consumers"] <= 1
            if not (alone and self._alone):
                self._gaps.forget()  # others read, or have read until now
            self._alone = alone
            self.gauges.pending.set(record["pending"])
            last = record["last-delivered-id"].decode()
            waiting = await self._redis.xrange(self._bus, f"({last}", "+", count=1)
            lag = self._clock() - int(waiting[0][0].partition("-")[0]) / 1000 if waiting else 0.0
            self.gauges.lag.set(max(0.0, lag))

    async def _leave(self) -> None:
        """Only with nothing pending: deleting a consumer drops what it holds."""
        mine = await self._redis.xpending_range(
            self._bus, self._group, count=1, consumer=self._consumer
        )
        if not mine:
            await self._redis.xgroup_delconsumer(self._bus, self._group, self._consumer)
