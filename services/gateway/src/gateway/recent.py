"""A value that may be some seconds old: asked for once however many want it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from common.clock import Clock

T = TypeVar("T")


class Recent(Generic[T]):
    """`fetch` runs one at a time; a failure is raised to those who waited and not kept."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], *, seconds: float, clock: Clock) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._clock = clock
        self._lock = asyncio.Lock()
        self._value: tuple[float, T] | None = None

    async def current(self) -> T:
        async with self._lock:
            now = self._clock()
            if self._value is not None and 0 <= now - self._value[0] < self._seconds:
                return self._value[1]
            value = await self._fetch()
            self._value = (now, value)
            return value
