"""How fast the queue moves of late: what one place in it costs in seconds."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from common.redis import Keys, RedisClient

from session_state.decision import Decision

RECENT_SECONDS = 7200.0
# fewer pick-ups than this say nothing about the next one: no number is better than a made-up one
ENOUGH = 5
_MOST = 50


class Pickup(NamedTuple):
    """An agent took somebody out of the queue who had waited so long."""

    at: float
    waited: float


def pickup_of(decision: Decision) -> Pickup | None:
    """The end of a wait, where the decision is one."""
    if "waits" not in decision.counters:
        return None
    return Pickup(decision.session.updated_at, decision.counters["waiting_ms"] / 1000)


def seconds_a_place(
    pickups: Sequence[Pickup], waiting_since: Iterable[float], now: float
) -> float | None:
    """The time somebody was waiting since the oldest recent pick-up, shared out among those that
    followed it; `None` where too few did. An empty queue's time does not count, for nobody was
    kept waiting in it; the time of those who wait now does, so that it grows while nobody comes.
    """
    recent = sorted(one for one in pickups if now - RECENT_SECONDS <= one.at <= now)
    if len(recent) <= ENOUGH:
        return None
    ended = ((at - waited, at) for at, waited in recent)
    running = ((since, now) for since in waiting_since if since < now)
    return _covered(chain(ended, running), begin=recent[0].at) / (len(recent) - 1)


def _covered(spans: Iterable[tuple[float, float]], *, begin: float) -> float:
    """The length of the union of the spans, from `begin` on."""
    total, reached = 0.0, begin
    for start, end in sorted(spans):
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total


class Pace:
    """Remembers the last pick-ups of all replicas."""

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self._redis = redis
        self._key = keys.pickups()

    async def note(self, pickups: Sequence[Pickup]) -> None:
        """Keep these; losing some to a crash makes the estimate no less honest."""
        if not pickups:
            return
        await self._redis.zadd(self._key, {f"{at} {waited}": at for at, waited in pickups})
        stale = await self._redis.zrange(self._key, 0, -_MOST - 1)
        if stale:
            await self._redis.zrem(self._key, *stale)

    async def recent(self) -> list[Pickup]:
        """Oldest first."""
        members = await self._redis.zrange(self._key, 0, -1)
        return [Pickup(*map(float, member.split())) for member in members]
