"""One timer for all streams: heartbeats, idle closing and dying tokens without a task each."""

import asyncio
import math
from collections.abc import Callable

from common.clock import Clock

# Runs what is due and answers when the next is, or None when there is nothing more.
Beat = Callable[[float], float | None]


class Wheel:
    """Beats in buckets of a second. A beat runs at its instant or up to a second later."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[int, list[Beat]] = {}

    def at(self, when: float, beat: Beat) -> None:
        self._buckets.setdefault(math.ceil(when), []).append(beat)

    def turn(self) -> None:
        """Run every beat that is due."""
        now = self._clock()
        for second in sorted(s for s in self._buckets if s <= now):
            for beat in self._buckets.pop(second):
                following = beat(now)
                if following is not None:
                    self.at(max(following, now + 0.001), beat)

    def __len__(self) -> int:
        return sum(len(beats) for beats in self._buckets.values())


async def turn_for_ever(wheel: Wheel, *, every_seconds: float = 0.25) -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(every_seconds)
        wheel.turn()
