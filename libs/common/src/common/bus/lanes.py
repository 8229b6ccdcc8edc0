"""Order within a session, concurrency between sessions.

Each subject has a lane: its entries are worked on one after another. Lanes run side by side, and
`put` waits while too much is in hand, so that a slow handler slows the reading and not memory.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from common.bus.entry import Entry


class Delivery(NamedTuple):
    """An entry in hand, and which delivery of it this is: the first is 1."""

    entry: Entry
    number: int


Work = Callable[[Delivery], Awaitable[None]]


class Lanes:
    """`work` must not raise: an exception ends the consumer (see `failure`)."""

    def __init__(self, work: Work, *, stop: asyncio.Event, concurrency: int, in_hand: int) -> None:
        self._work = work
        self._stop = stop
        self._running = asyncio.Semaphore(concurrency)
        self._room = asyncio.Semaphore(in_hand)
        self._lanes: dict[str, deque[Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.held: set[str] = set()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def put(self, delivery: Delivery) -> None:
        """Waits for room; an entry that is in hand already is not taken twice."""
        if delivery.entry.id in self.held:
            return
        await self._room.acquire()
        self.held.add(delivery.entry.id)
        subject = delivery.entry.subject
        lane = self._lanes.get(subject)
        if lane is not None:
            lane.append(delivery)
            return
        lane = self._lanes[subject] = deque((delivery,))
        task = asyncio.create_task(self._run(subject, lane), name=f"lane {subject}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def drain(self, seconds: float) -> None:
        """Lets what runs come to its end; what waits in a lane stays pending for the next."""
        self._stop.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, subject: str, lane: deque[Delivery]) -> None:
        try:
            while lane and not self._stop.is_set():
                async with self._running:
                    await self._work(lane[0])
                self._let_go(lane.popleft())
        finally:
            for delivery in lane:
                self._let_go(delivery)
            del self._lanes[subject]

    def _let_go(self, delivery: Delivery) -> None:
        self.held.discard(delivery.entry.id)
        self._room.release()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or self.failure.done():
            return
        if (error := task.exception()) is not None:
            self.failure.set_exception(error)
