"""What the gateway hears: the bus, what may be lost, and whether Redis is still the same one."""

import asyncio
import logging

from common.bus.entry import Entry
from common.events.agents import TokensRevoked
from common.ids import new_id
from common.redis.client import RedisClient
from common.redis.keys import Keys

from gateway.errors import ServiceError
from gateway.fanout import Fanout

log = logging.getLogger(__name__)
_REVOKED = TokensRevoked.type.encode()


class Listener:
    """Feeds the fan-out. An entry that can't be read concerns nobody and stops nothing: the tail
    logs and counts what a listener raises."""

    def __init__(self, fanout: Fanout) -> None:
        self._fanout = fanout

    def hear(self, entry: Entry) -> None:
        self._fanout.on_entry(entry)
        if entry.fields[b"type"] == _REVOKED:
            event = entry.event()
            if isinstance(event, TokensRevoked):
                self._fanout.on_revoked(event)


class Generation:
    """Watches the random word that changes when Redis is flushed or restored, and writes a new one
    where there is none: without it nobody could tell an old event id from a good one."""

    def __init__(
        self, redis: RedisClient, keys: Keys, *, fanout: Fanout, every_seconds: float
    ) -> None:
        self._redis = redis
        self._key = keys.generation()
        self._fanout = fanout
        self._every = every_seconds
        self._known: bytes | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except ServiceError:
                log.debug("generation not read")
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        found = await self._redis.get(self._key)
        if self._known is not None and found != self._known:
            log.warning("another generation: all streams reload")
            self._fanout.resync_all("restored")
        if found is None:
            await self._redis.set(self._key, new_id()[:12], nx=True)
            found = await self._redis.get(self._key)
        self._known = found
