"""Tells waiting visitors their place in the queue whenever it moves."""

import asyncio

from common.bus.live import Live
from common.errors import ServiceError

from session_state.decision import Decision
from session_state.duty import Duty
from session_state.index import Index
from session_state.sessions import Sessions

# fewer waits than this on a day say nothing about the next one
_ENOUGH_WAITS = 5
_REST_SECONDS = 0.2
# a stream that opened since the last change learns its place within this time
_REPEAT_SECONDS = 15.0


class Queue:
    """One pusher a replica, woken by this replica's own commits: whoever moved the queue tells
    all who wait in it."""

    def __init__(self, sessions: Sessions, *, index: Index, duty: Duty, live: Live) -> None:
        self._sessions = sessions
        self._index = index
        self._duty = duty
        self._live = live
        self._moved = asyncio.Event()
        sessions.on_commit(self._note)

    def _note(self, decision: Decision) -> None:
        if any("pending_manual" in (step.before, step.after) for step in decision.steps):
            self._moved.set()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_REPEAT_SECONDS):
                    await self._moved.wait()
            except TimeoutError:
                pass
            self._moved.clear()
            try:
                await self.tell()
            except ServiceError:
                self._moved.set()
            await asyncio.sleep(_REST_SECONDS)

    async def tell(self) -> None:
        """One message to each who waits, at the head of the queue."""
        names = await self._index.waiting()
        if not names:
            return
        now = self._sessions.clock()
        usual = await self._usual_wait(now)
        for place, session in enumerate(await self._index.load(names), start=1):
            waited = now - (session.waiting_since or now)
            left = None if usual is None or usual <= waited else round(usual - waited)
            await self._live.send(
                "queue_position",
                session.name,
                {"position": place, "waiting": len(names), "estimated_seconds": left},
            )

    async def _usual_wait(self, now: float) -> float | None:
        """The mean wait of today, or None where too few waited to tell: no number is better than
        a made-up one."""
        counters = await self._index.counters(self._duty.day(now))
        waits = counters.get("waits", 0)
        return counters.get("waiting_ms", 0) / waits / 1000 if waits >= _ENOUGH_WAITS else None
