"""The turns that run in this process, and what the bus has to say to them.

One bus reader serves all: an entry whose session nobody here watches costs one look-up.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
from common.contracts.sessions import RenewLease
from common.errors import ServiceError, TurnLost
from common.events import TurnClosed, TurnStopRequested
from common.events.base import Undecodable

from chat_proxy import frames
from chat_proxy.turn import Interruption, Turn

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.5

Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Leases(Protocol):
    """The part of session-state that keeps a turn alive."""

    async def renew_lease(self, request: RenewLease) -> None: ...


@dataclass(slots=True)
class Watch:
    """What the bus told about a session since we began to look, which is before the ticket."""

    session_name: str
    turn: Turn | None = None
    epoch: int = -1
    status: str = ""
    told: list[tuple[float, str, bytes]] = field(default_factory=list)
    risen: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, fields: Mapping[bytes, bytes]) -> None:
        """Notes epoch, status and what a visitor may see of people's acts; cuts the speech."""
        self.epoch = max(self.epoch, int(fields[b"epoch"]))
        self.status = fields.get(b"status", b"").decode() or self.status
        frame = _frame_for_caller(fields)
        if frame is not None:
            at, kind = float(fields[b"time"]), fields[b"type"].decode()
            self.told.append((at, kind, frame))
        self.fence()

    def seat(self, turn: Turn) -> None:
        self.turn = turn
        self.fence()

    def fence(self) -> None:
        if self.turn is not None and self.epoch > self.turn.ticket.epoch:
            self.risen.set()
            self.turn.interrupt(Interruption.FENCED)

    def news(self) -> list[bytes]:
        """Frames of status changes and of what people said, in the bus's order, since the ticket:
        what its own commit wrote (a reopened session, say) is no news to the caller."""
        return [frame for at, _, frame in self.told if self._is_news(at)]

    def told_of(self, kind: str) -> bool:
        return any(told == kind for at, told, _ in self.told if self._is_news(at))

    def _is_news(self, at: float) -> bool:
        # the bus rounds to milliseconds
        return self.turn is not None and at > self.turn.ticket.timestamp + 0.001


class Roster:
    """Who runs here. `hear` is the bus reader's callback: it must not block and never raises."""

    def __init__(
        self,
        leases: Leases,
        spawn: Spawn,
        *,
        clock: Callable[[], float],
        renew_seconds: float,
        heartbeat_seconds: float,
    ) -> None:
        self._leases = leases
        self._spawn = spawn
        self._clock = clock
        self._renew = renew_seconds
        self._heartbeat = heartbeat_seconds
        self._watches: dict[bytes, list[Watch]] = {}
        self._turns: dict[str, Turn] = {}
        self.idle = asyncio.Event()
        self.idle.set()

    def __len__(self) -> int:
        return len(self._turns)

    @contextmanager
    def watching(self, session_name: str | None) -> Iterator[Watch]:
        """Listen before the ticket is asked for, or an epoch between ticket and turn is missed.
        A session that gets its name with the ticket is new: nobody can take it over yet."""
        watch = Watch(session_name or "")
        if session_name:
            self._add(watch)
        try:
            yield watch
        finally:
            if watch.turn is None:
                self._remove(watch)

    def seat(self, watch: Watch, turn: Turn) -> None:
        """The turn runs; it hears the bus until `leave`."""
        if watch.session_name != turn.ticket.session_name:
            self._remove(watch)
            watch.session_name = turn.ticket.session_name
            self._add(watch)
        self._turns[turn.ticket.turn_id] = turn
        self.idle.clear()
        watch.seat(turn)

    def leave(self, watch: Watch) -> None:
        self._remove(watch)
        if watch.turn is not None:
            self._turns.pop(watch.turn.ticket.turn_id, None)
        if not self._turns:
            self.idle.set()

    def hear(self, fields: Mapping[bytes, bytes]) -> None:
        """A bus entry, of any session. One that can't be read is passed over: the lease and the
        commit's own epoch check hold without it."""
        watches = self._watches.get(fields.get(b"subject", b""))
        if watches is None:
            return
        try:
            self._apply(fields, watches)
        except (Undecodable, KeyError, ValueError):
            log.warning("unreadable bus entry", exc_info=True)

    def _apply(self, fields: Mapping[bytes, bytes], watches: list[Watch]) -> None:
        kind = fields[b"type"]
        if kind == b"turn.closed":
            self._closed(TurnClosed.read(fields[b"data"]))
        elif kind == b"turn.stop_requested":
            wish = TurnStopRequested.read(fields[b"data"])
            self.stop(wish.session_name, wish.sid)
        if b"epoch" in fields:
            for watch in watches:
                watch.hear(fields)

    def stop(self, session_name: str, sid: str) -> bool:
        """The visitor's stop; False where the session's turn does not run here."""
        found = False
        for watch in self._watches.get(session_name.encode(), ()):
            if watch.turn is not None and watch.turn.ticket.sid == sid:
                watch.turn.interrupt(Interruption.STOPPED)
                found = True
        return found

    def interrupt_all(self, why: Interruption) -> None:
        for turn in list(self._turns.values()):
            turn.interrupt(why)

    async def keep(self) -> None:
        """Renews leases and sends heartbeats, for ever: one timer for all turns."""
        while True:
            await asyncio.sleep(min(_TICK_SECONDS, self._renew / 2, self._heartbeat / 2))
            now = self._clock()
            for turn in list(self._turns.values()):
                if now - turn.renewed_at >= self._renew:
                    turn.renewed_at = now
                    self._spawn(self._renew_one(turn))
                if now - turn.written_at >= self._heartbeat:
                    turn.write(frames.HEARTBEAT)

    async def _renew_one(self, turn: Turn) -> None:
        """A second line of defence where the bus is late: a lost lease cuts the speech as well."""
        request = RenewLease(session_name=turn.ticket.session_name, turn_id=turn.ticket.turn_id)
        try:
            async with asyncio.timeout(self._renew):
                await self._leases.renew_lease(request)
        except TurnLost:
            turn.interrupt(Interruption.FENCED)
        except (ServiceError, TimeoutError):
            log.warning("turn lease not renewed", extra={"turn_id": turn.ticket.turn_id})

    def _closed(self, event: TurnClosed) -> None:
        turn = self._turns.get(event.turn_id)
        if turn is not None and not turn.closed.done():
            turn.closed.set_result(event)

    def _add(self, watch: Watch) -> None:
        self._watches.setdefault(watch.session_name.encode(), []).append(watch)

    def _remove(self, watch: Watch) -> None:
        key = watch.session_name.encode()
        left = [other for other in self._watches.get(key, ()) if other is not watch]
        if left:
            self._watches[key] = left
        else:
            self._watches.pop(key, None)


def _frame_for_caller(fields: Mapping[bytes, bytes]) -> bytes | None:
    """The chat stream's frame of a status change or a person's word; nothing for agents only."""
    name = fields.get(b"frame")
    if fields.get(b"audience") != b"va" or name not in (b"status_change", b"manual_message"):
        return None
    body = orjson.loads(fields[b"data"])
    wanted = _CHANGE if name == b"status_change" else _MESSAGE
    return frames.frame(name.decode(), **{key: body[key] for key in wanted if key in body})


_CHANGE = ("status", "reason", "agent_info", "timestamp")
_MESSAGE = ("message_id", "role", "content", "timestamp", "agent_id", "agent_name", "notice")
