"""Tells waiting visitors their place in the queue whenever it moves."""

import asyncio

from common.bus.live import Live
from common.errors import ServiceError

from session_state.decision import Decision
from session_state.index import Index
from session_state.pace import Pace, Pickup, pickup_of, seconds_a_place
from session_state.roster import Roster
from session_state.sessions import Sessions

_REST_SECONDS = 0.2
# a stream that opened since the last change learns its place within this time
_REPEAT_SECONDS = 15.0


class Queue:
    """One pusher a replica, woken by this replica's own commits: whoever moved the queue tells
    all who wait in it."""

    def __init__(
        self, sessions: Sessions, *, index: Index, pace: Pace, roster: Roster, live: Live
    ) -> None:
        self._sessions = sessions
        self._index = index
        self._pace = pace
        self._roster = roster
        self._live = live
        self._moved = asyncio.Event()
        self._pickups: list[Pickup] = []
        sessions.on_commit(self._note)

    def _note(self, decision: Decision) -> None:
        if any("pending_manual" in (step.before, step.after) for step in decision.steps):
            self._moved.set()
        if (pickup := pickup_of(decision)) is not None:
            self._pickups.append(pickup)

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
        pickups, self._pickups = self._pickups, []
        await self._pace.note(pickups)
        names = await self._index.waiting()
        if not names:
            return
        sessions = await self._index.load(names)
        place_seconds = await self._place_seconds([s.waiting_since for s in sessions])
        for place, session in enumerate(sessions, start=1):
            left = None if place_seconds is None else max(1, round(place * place_seconds))
            await self._live.send(
                "queue_position",
                session.name,
                {"position": place, "waiting": len(names), "estimated_seconds": left},
            )

    async def _place_seconds(self, waiting_since: list[float | None]) -> float | None:
        """None where nobody is there to come, too."""
        if not await self._roster.anybody():
            return None
        since = [at for at in waiting_since if at is not None]
        return seconds_a_place(await self._pace.recent(), since, self._sessions.clock())
