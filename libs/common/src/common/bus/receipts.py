"""Acknowledges what is settled in one go: an XACK an entry is a write, and an fsync, an entry."""

import asyncio
import logging

from common.errors import Busy, StateUnavailable, Unconfirmed
from common.redis.client import RedisClient

log = logging.getLogger(__name__)

_GATHER_SECONDS = 0.02


class Receipts:
    """Entries settled here that Redis does not know of yet. Those of a process that dies are
    delivered again, as those it died in the middle of."""

    def __init__(self, redis: RedisClient, bus: str, group: str) -> None:
        self._redis = redis
        self._bus = bus
        self._group = group
        self._waiting: set[str] = set()
        self._some = asyncio.Event()

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._waiting

    def add(self, *entry_ids: str) -> None:
        """Settled: to be acknowledged within a moment, or when Redis is back."""
        self._waiting.update(entry_ids)
        self._some.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            try:
                await self.flush()
            except (StateUnavailable, Busy, Unconfirmed) as error:
                log.warning("not acknowledged", extra={"group": self._group, "reason": error.code})

    async def flush(self) -> None:
        """Acknowledge all that waits, now; raises where Redis is away, and keeps it."""
        entry_ids = sorted(self._waiting)
        if entry_ids:
            await self._redis.xack(self._bus, self._group, *entry_ids)
        self._waiting.difference_update(entry_ids)
        if not self._waiting:
            self._some.clear()
