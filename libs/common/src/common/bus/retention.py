"""Trims the bus by age, and never below what a declared consumer group has yet to acknowledge.

With `MAXLEN` a slow group silently lost 49,000 of 50,000 entries, so there is no MAXLEN anywhere.
While a declared group is missing nothing is trimmed at all: it may be about to start.
"""

import asyncio
import logging
from collections.abc import Iterable

from common.bus.gauges import BusGauges
from common.clock import Clock
from common.errors import Busy, StateUnavailable, Unconfirmed
from common.events.groups import GROUPS
from common.metrics import Metrics
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.redis.scripts import load_script

log = logging.getLogger(__name__)

# Resume of the agents' stream and the revocations read back this far at the least
KEEP_SECONDS = 3600.0
KEEP_DEAD_SECONDS = 14 * 86400.0
EVERY_SECONDS = 60.0


class Retention:
    """`run` takes a lease for each round, so that of several replicas one does the work; twice is
    harmless."""

    def __init__(
        self,
        redis: RedisClient,
        keys: Keys,
        *,
        clock: Clock,
        metrics: Metrics | None = None,
        groups: Iterable[str] = tuple(GROUPS),
        keep_seconds: float = KEEP_SECONDS,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._groups = tuple(groups)
        self._keep_seconds = keep_seconds
        self._every_seconds = every_seconds
        # freeing memory must work when there is none left
        self._trim = load_script("bus_trim", allow_oom=True)
        self.gauges = BusGauges(metrics or Metrics("bus"), "retention")

    async def run(self) -> None:
        """Until cancelled. Waits first: who starts together makes the groups meanwhile."""
        while True:
            await asyncio.sleep(self._every_seconds)
            try:
                if await self._take_turn():
                    await self.sweep()
            except (StateUnavailable, Busy, Unconfirmed) as error:
                log.warning("retention waits for Redis", extra={"reason": error.code})

    async def sweep(self) -> int:
        """One round; how many entries of the bus were removed."""
        oldest = f"{int((self._clock() - self._keep_seconds) * 1000)}-0"
        removed, what = await self._redis.run(
            self._trim, [self._keys.bus()], [oldest, *self._groups]
        )
        if removed < 0:
            self.gauges.alarms()
            log.error("nothing is trimmed: a group is missing", extra={"group": what.decode()})
            removed = 0
        dead = f"{int((self._clock() - KEEP_DEAD_SECONDS) * 1000)}-0"
        for group in self._groups:
            await self._redis.xtrim_minid(self._keys.dead(group), dead, exact=True)
        return int(removed)

    async def _take_turn(self) -> bool:
        milliseconds = max(1, int(self._every_seconds * 900))
        return await self._redis.set(self._keys.lease("retention"), "1", px=milliseconds, nx=True)
