"""One AI turn: what was said so far, who listens, and what may cut it short.

speaking ──whole answer──▶ answered          the outcome, and the event it becomes:
    ├─ Coze failed ─────▶ failed             turn.answered   answered, stopped with a text
    ├─ visitor's stop ──▶ stopped            turn.failed     failed, drained, stopped silent
    ├─ shutdown ────────▶ drained            none            fenced: session-state did it
    └─ epoch rose ──────▶ fenced
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from common.contracts.sessions import Ticket
from common.events import TurnAnswered, TurnClosed, TurnFailed

from chat_proxy import frames
from chat_proxy.coze.decode import Delta, FollowUp, Item, Started
from chat_proxy.coze.faults import Fault
from chat_proxy.errors import failure_reason


class Interruption(StrEnum):
    """Who ended the AI's speech before it was whole."""

    FENCED = "fenced"
    STOPPED = "stopped"
    DRAINED = "drained"


class Listener(Protocol):
    """Where a turn's frames go; writing never raises and never waits."""

    def write(self, frame: bytes) -> None: ...


class Silence:
    """The listener of `/api/chat`, which wants the whole answer at the end."""

    def write(self, frame: bytes) -> None:  # noqa: ARG002
        return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended, for the caller who waited for it."""

    text: str
    fault: Fault | None = None
    interruption: Interruption | None = None
    closed: TurnClosed | None = None
    status: str = ""

    @property
    def stored(self) -> bool:
        """Is the text the session's? What a fence cut, or session-state refused, is not."""
        refused = self.closed is not None and self.closed.outcome in ("fenced", "lost")
        cut = self.interruption in (Interruption.FENCED, Interruption.DRAINED)
        return not refused and not cut and self.fault is None

    @property
    def escalated(self) -> bool:
        """The end of this very turn brought a person in."""
        return self.closed is not None and self.closed.outcome == "escalated"

    @property
    def label(self) -> str:
        """For metrics."""
        if self.interruption is not None:
            return self.interruption.value
        if self.fault is not None:
            return "failed"
        return "answered" if self.stored else "fenced"


class Turn:
    """One turn in this process. `ended` is set when the caller has got its last frame."""

    def __init__(
        self,
        ticket: Ticket,
        parameters: Mapping[str, Any],
        listener: Listener,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.ticket = ticket
        self.parameters = parameters
        self.conversation_id = ticket.conversation_id
        self.started: Started | None = None
        self.suggestions: list[str] = []
        self.interruption: Interruption | None = None
        self.closed: asyncio.Future[TurnClosed] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.written_at = self.renewed_at = clock()
        self._clock = clock
        self._listener = listener
        self._parts: list[str] = []
        self._deadline: asyncio.Timeout | None = None
        self._spoken = False

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def write(self, frame: bytes) -> None:
        self.written_at = self._clock()
        self._listener.write(frame)

    def hear(self, items: Sequence[Item]) -> None:
        """Takes Coze's items; deltas are on their way to the caller before more is read. Those
        that came together go out together: each kernel send costs more than all else here."""
        ready = []
        for item in items:
            if isinstance(item, Delta):
                self._parts.append(item.text)
                ready.append(frames.delta(item.text))
            elif isinstance(item, Started):
                # A further attempt begins anew with everything but text, of which there was none.
                self.started = item
                self.suggestions.clear()
            elif isinstance(item, FollowUp):
                self.suggestions.append(item.text)
        if ready:
            self.write(b"".join(ready))

    @asynccontextmanager
    async def speaking(self, seconds: float) -> AsyncIterator[None]:
        """Raises TimeoutError when the time is over or `interrupt` was called."""
        async with asyncio.timeout(0 if self.interruption else seconds) as self._deadline:
            try:
                yield
            finally:
                self._spoken = True

    def interrupt(self, why: Interruption) -> None:
        """Ends the speech at once; of several reasons the first counts. Too late is no matter."""
        if self._spoken or self.interruption is not None:
            return
        self.interruption = why
        if self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time())

    def release(self, outcome: Outcome) -> None:
        """Let the caller go; only the first outcome counts."""
        if not self.ended.done():
            self.ended.set_result(outcome)

    def outcome(self, fault: Fault | None) -> Outcome:
        return Outcome(self.text, fault, self.interruption)

    def event(self, outcome: Outcome) -> TurnAnswered | TurnFailed | None:
        """What session-state has to be told, if anything."""
        if outcome.interruption is Interruption.FENCED:
            return None
        stopped = outcome.interruption is Interruption.STOPPED
        if (outcome.fault is None and outcome.interruption is None) or (stopped and outcome.text):
            return TurnAnswered(
                session_name=self.ticket.session_name,
                turn_id=self.ticket.turn_id,
                message_id=self.ticket.message_id,
                epoch=self.ticket.epoch,
                content=outcome.text,
                suggestions=self.suggestions,
                stopped=stopped,
            )
        return self._failed(outcome.fault, drained=outcome.interruption is Interruption.DRAINED)

    def _failed(self, fault: Fault | None, *, drained: bool) -> TurnFailed:
        silent = "drained" if drained else "cancelled"
        return TurnFailed(
            session_name=self.ticket.session_name,
            turn_id=self.ticket.turn_id,
            epoch=self.ticket.epoch,
            reason=silent if fault is None else failure_reason(fault.kind),
            counted=fault is not None,
        )
