"""Places of one visitor over all gateways: taken, renewed, and free again 30 s after a crash."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.redis.scripts import Script

from gateway.errors import ServiceError
from gateway.fanout import Fanout
from gateway.streams import Stream

log = logging.getLogger(__name__)
_AT_ONCE = 200
# (kind, subject, data) on the channel of what may be lost
Tell = Callable[[str, str, dict[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Terms:
    """How many places a visitor has, how long a lease is, and how often it is renewed."""

    places: int
    chat_places: int
    seconds: float
    renew_seconds: float


class Leases:
    """Events streams; a fourth takes the place of the oldest, whichever gateway holds it."""

    def __init__(
        self,
        redis: RedisClient,
        keys: Keys,
        *,
        lease: Script,
        renew: Script,
        tell: Tell,
        terms: Terms,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._lease = lease
        self._renew = renew
        self._tell = tell
        self._places = terms.places
        self._chat_places = terms.chat_places
        self._ms = int(terms.seconds * 1000)
        self._every = terms.renew_seconds

    async def take(self, stream: Stream) -> None:
        """Raises StateUnavailable. The ones that gave way are told."""
        key = self._keys.streams(stream.session)
        args: list[str | int] = [stream.id, self._places, self._ms]
        member, *replaced = await self._redis.run(self._lease, [key], args, confirm=False)
        stream.lease = member.decode()
        for stream_id in replaced:
            await self._tell("replaced", stream.session, {"stream_id": stream_id.decode()})

    async def release(self, stream: Stream) -> None:
        if not stream.lease:
            return
        try:
            await self._redis.zrem(self._keys.streams(stream.session), stream.lease)
        except ServiceError:
            log.info("lease not released", extra={"stream": stream.id})

    async def run(self, fanout: Fanout, chats: Callable[[], Sequence[tuple[str, str]]]) -> None:
        """Renew for ever; `chats` are (key, member) of the chat requests in flight."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.renew(fanout, chats())
            except ServiceError:
                log.warning("leases not renewed")

    async def renew(self, fanout: Fanout, chats: Sequence[tuple[str, str]]) -> None:
        """One that lost its place meanwhile ends as `replaced`; a chat request goes on."""
        streams = fanout.leased()
        for start in range(0, len(streams), _AT_ONCE):
            batch = streams[start : start + _AT_ONCE]
            pairs = [(self._keys.streams(s.session), s.lease) for s in batch]
            for number in await self._renewed(pairs, self._places):
                fanout.end_replaced(batch[number - 1])
        for start in range(0, len(chats), _AT_ONCE):
            await self._renewed(chats[start : start + _AT_ONCE], self._chat_places)

    async def _renewed(self, pairs: Sequence[tuple[str, str]], places: int) -> list[int]:
        keys = [key for key, _ in pairs]
        args: list[str | int] = [self._ms, places, *(member for _, member in pairs)]
        lost: list[int] = await self._redis.run(self._renew, keys, args, confirm=False)
        return lost
