"""What time does to sessions: the due timers, polled each second by every replica.

Whatever fires acts by an ordinary commit, so that two replicas acting is one of them acting. A
timer whose decision changes nothing is put off or away, unless a commit has set it anew.
"""

import asyncio
import logging
from collections.abc import Callable

from common.errors import ServiceError
from common.metrics import Metrics

from session_state.commands import (
    Abandon,
    Command,
    EndShift,
    Fail,
    Reopen,
    Requeue,
    WaitTooLong,
)
from session_state.decision import ABANDON, EXPIRE, LEASE, OPENING, SHIFT_END, WAIT
from session_state.duty import Duty
from session_state.index import Index
from session_state.pressure import Pressure
from session_state.roster import AGENT_TIMER
from session_state.session import Session
from session_state.sessions import Done, Prepare, Sessions
from session_state.store import Found

log = logging.getLogger(__name__)

_BATCH = 200
_AT_ONCE = 16
_RETRY_SECONDS = 5.0
_GAUGES_EVERY = 5

_BY_TIME: dict[str, Callable[[Session], Command | None]] = {
    WAIT: lambda _: WaitTooLong(),
    SHIFT_END: lambda _: EndShift(),
    OPENING: lambda _: Reopen(),
    LEASE: lambda s: (
        None
        if s.turn is None
        else Fail(s.turn.turn_id, s.turn.epoch, "lost", counted=False, lost=True)
    ),
}


class Gone(Exception):
    """The session a timer was about is not there, or the timer has nothing to say to it."""


class Timers:
    """`run` for the life of the process."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        index: Index,
        duty: Duty,
        pressure: Pressure,
        seconds: float,
        metrics: Metrics,
    ) -> None:
        self._sessions = sessions
        self._index = index
        self._duty = duty
        self._pressure = pressure
        self._seconds = seconds
        self._fired = metrics.counter("timers_fired", "Timers whose time came.", ["kind"])
        self._by_status = metrics.gauge("sessions", "Sessions by status.", ["status"])
        self._waiting = metrics.gauge("sessions_waiting", "Sessions waiting for a person.")
        self._ticks = 0
        self._leases_from = 0.0

    async def run(self) -> None:
        self._give_grace()
        while True:
            try:
                await self.tick()
            except ServiceError as error:
                log.warning("timers wait for redis", extra={"code": error.code})
                self._give_grace()
            await asyncio.sleep(self._seconds)

    def _give_grace(self) -> None:
        """While we, or redis, were away nobody could renew a lease, and answers may be waiting on
        the bus: a turn is called lost only when its lease could have been renewed and was not."""
        self._leases_from = self._sessions.clock() + self._sessions.limits.lease_seconds

    async def tick(self) -> int:
        """One round; answers how many timers fired."""
        if await self._duty.refresh():
            await self.shift_changed()
        await self._pressure.measure()
        if self._ticks % _GAUGES_EVERY == 0:
            await self._measure()
        self._ticks += 1
        fired = 0
        while due := await self._sessions.store.due(self._sessions.clock(), limit=_BATCH):
            await self._fire_all(due)
            fired += len(due)
            if len(due) < _BATCH:
                break
        return fired

    async def _fire_all(self, due: list[tuple[str, float]]) -> None:
        waiting = iter(due)

        async def work() -> None:
            for member, at in waiting:
                await self._fire(member, at)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(_AT_ONCE, len(due))):
                group.create_task(work())

    async def _fire(self, member: str, at: float) -> None:
        kind = member.partition(":")[0]
        self._fired.labels(kind if kind in _KINDS else "other").inc()
        try:
            await self._act(member, at)
        except ServiceError as error:
            # redis away, or too many others at the same session: the next round tries again
            log.warning("timer put off", extra={"timer": kind, "code": error.code})

    async def _act(self, member: str, at: float) -> None:
        kind, _, name = member.partition(":")
        again_at: float | None = None
        try:
            if kind == AGENT_TIMER:
                again_at = await self._requeue_of(name)
            elif kind == EXPIRE:
                again_at = await self._expire(name)
            elif kind == LEASE and self._sessions.clock() < self._leases_from:
                again_at = self._leases_from
            elif kind in _KINDS:
                done = await self._sessions.apply(name, self._prepare(kind))
                if done.decision is None or done.decision.changed:
                    return
                again_at = done.decision.timers.get(kind)
        except Gone:
            again_at = None
        await self._sessions.store.rearm(member, at, again_at=again_at)

    def _prepare(self, kind: str) -> Prepare:
        async def prepare(found: Found) -> Command | Done:
            session = found.session
            if session is None:
                raise Gone
            if kind == ABANDON:
                seen = await self._sessions.store.is_alive(session.name)
                return Abandon(seen or 0.0)
            command = _BY_TIME[kind](session)
            if command is None:
                raise Gone
            return command

        return prepare

    async def _expire(self, name: str) -> float | None:
        session = (await self._sessions.store.get(name)).session
        if session is None or session.status not in ("bot_active", "closed"):
            return None
        now = self._sessions.clock()
        expires_at = round(self._sessions.limits.expires_at(session), 3)
        if now < expires_at:
            # somebody was here after this timer was read as due
            return expires_at
        if session.turn is not None:
            return now + _RETRY_SECONDS
        await self._sessions.store.delete(session, now=now, event_id=self._sessions.new_id())
        return None

    async def _requeue_of(self, agent_id: str) -> float | None:
        """What an agent held who has been offline for a minute goes back to the queue."""
        card = await self._sessions.roster.card(agent_id)
        if card is not None and card.status != "offline":
            return None

        async def prepare(found: Found) -> Command | Done:
            if found.session is None:
                raise Gone
            return Requeue(absent=agent_id)

        for name in await self._sessions.roster.held_by(agent_id):
            try:
                await self._sessions.apply(name, prepare)
            except Gone:
                continue
        return None

    async def shift_changed(self) -> None:
        """Timers were set by the old shift: who waits for its end or its beginning waits anew."""
        now = self._sessions.clock()
        duty = self._duty.now(now)
        ends = duty.ends_at if duty.is_open else now
        opens = now if duty.is_open else duty.next_open_at
        if ends is not None:
            await self._index.reschedule("pending_manual", SHIFT_END, at=ends)
        if opens is not None:
            await self._index.reschedule("after_hours_email", OPENING, at=opens)

    async def _measure(self) -> None:
        counts = await self._index.count_by_status()
        for status, count in counts.items():
            self._by_status.labels(status).set(count)
        self._waiting.set(counts["pending_manual"])


_KINDS = frozenset({*_BY_TIME, ABANDON, EXPIRE, AGENT_TIMER})
