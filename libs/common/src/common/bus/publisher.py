"""Puts events on the bus that no commit of a session carries."""

from common.clock import Clock
from common.events.base import Event, encode
from common.ids import NewId
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.redis.scripts import load_script

# A publisher asks again within seconds; a service that repeats an event of its own, within minutes
_REMEMBER_SECONDS = 3600


class Publisher:
    """`source` is the service's name. Give `event_id` where the same fact may be told twice (a
    retried request, a redelivered event): the second telling adds nothing."""

    def __init__(
        self, redis: RedisClient, keys: Keys, *, source: str, clock: Clock, new_id: NewId
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._source = source
        self._clock = clock
        self._new_id = new_id
        self._script = load_script("bus_publish")
        self._urgent = load_script("bus_publish", allow_oom=True)

    async def publish(
        self,
        event: Event,
        *,
        subject: str,
        event_id: str | None = None,
        traceparent: str | None = None,
        urgent: bool = False,
    ) -> str:
        """The entry's id. `urgent` goes through when Redis is full (revocations). Raises
        `StateUnavailable`, `Busy`, `Unconfirmed`: safe to repeat with the same `event_id`."""
        event_id = event_id or self._new_id()
        fields = encode(
            event,
            event_id=event_id,
            source=self._source,
            subject=subject,
            time=self._clock(),
            traceparent=traceparent,
        )
        words = [word for pair in fields.items() for word in pair]
        entry: bytes = await self._redis.run(
            self._urgent if urgent else self._script,
            [self._keys.bus(), self._keys.published(event_id)],
            [_REMEMBER_SECONDS, *words],
        )
        return entry.decode()
