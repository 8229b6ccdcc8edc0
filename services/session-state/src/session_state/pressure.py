"""How full Redis is: from a share of `maxmemory` on, no new session is begun."""

from common.errors import Busy
from common.metrics import Metrics
from common.redis import RedisClient

_RETRY_SECONDS = 10


class Pressure:
    """Measured each second by the timers; a server without `maxmemory` is never full."""

    def __init__(self, redis: RedisClient, *, ratio: float, metrics: Metrics) -> None:
        self._redis = redis
        self._ratio = ratio
        self._bytes = metrics.gauge("redis_memory_bytes", "Redis memory used.")
        self._gauge = metrics.gauge("redis_memory_ratio", "Redis memory used of maxmemory.")
        self.is_high = False

    async def measure(self) -> None:
        memory = await self._redis.info("memory")
        limit = int(memory.get("maxmemory", "0"))
        used = int(memory.get("used_memory", "0"))
        self._bytes.set(used)
        share = used / limit if limit else 0.0
        self._gauge.set(share)
        self.is_high = share >= self._ratio

    def refuse_new(self) -> None:
        """Raises Busy where a new session would be one too many."""
        if self.is_high:
            raise Busy(retry_after=_RETRY_SECONDS)
