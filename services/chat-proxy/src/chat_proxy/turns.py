"""Conducts turns from ticket to end, in the process and not in the request.

    begin ─▶ conversation (made and bound where there is none) ─▶ Coze's deltas, as they come
          ─▶ turn.answered | turn.failed on the bus ─▶ turn.closed, waited for 2 s ─▶ last frames

A caller who leaves changes nothing; whoever must end a turn early goes through `Turn.interrupt`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from common.contracts.sessions import BindConversation, Bound, Ticket
from common.errors import ServiceError
from common.events import Event, MessageAdded, StatusChanged, TurnClosed

from chat_proxy import frames, texts
from chat_proxy.assistant import Assistant
from chat_proxy.coze.client import Question
from chat_proxy.coze.decode import Started
from chat_proxy.coze.faults import CozeError, Fault, FaultKind
from chat_proxy.errors import AiUnavailable, TurnLost
from chat_proxy.metrics import CozeMetrics
from chat_proxy.roster import Roster, Watch
from chat_proxy.turn import Interruption, Listener, Outcome, Turn

log = logging.getLogger(__name__)

# Drained turns need this long to be cut, published and closed before the process goes.
_LAST_WORDS_SECONDS = 3.0
_PUBLISH_PAUSE_SECONDS = 0.5


class Binder(Protocol):
    """The part of session-state that says which conversation counts."""

    async def bind_conversation(self, bind: BindConversation) -> Bound: ...


Publish = Callable[[Event, Ticket], Awaitable[None]]
"""Puts a turn's end on the bus; the same turn twice is once. Raises ServiceError."""

Spawn = Callable[[Coroutine[Any, Any, None]], object]


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """Seconds."""

    whole: float = 120
    closed_wait: float = 2
    publish: float = 30


class Turns:
    """The use case; one per process."""

    def __init__(
        self,
        *,
        assistant: Assistant,
        binder: Binder,
        publish: Publish,
        roster: Roster,
        spawn: Spawn,
        metrics: CozeMetrics,
        limits: TurnLimits,
        clock: Callable[[], float],
    ) -> None:
        self._assistant = assistant
        self._binder = binder
        self._publish = publish
        self._roster = roster
        self._spawn = spawn
        self._metrics = metrics
        self._limits = limits
        self._clock = clock

    def begin(
        self, ticket: Ticket, watch: Watch, listener: Listener, parameters: Mapping[str, Any]
    ) -> Turn:
        """The turn runs from here on by itself; await its `ended` for as long as you like."""
        turn = Turn(ticket, parameters, listener, clock=self._clock)
        self._roster.seat(watch, turn)
        if turn.conversation_id is not None:
            # now, so that it leaves in one piece with the answer's head
            turn.write(frames.meta(ticket, turn.conversation_id))
        self._spawn(self._run(turn, watch))
        return turn

    async def drain(self, seconds: float) -> None:
        """Let the turns finish; what is left then ends as `drained`, published and said."""
        await self._all_left(max(0.0, seconds - _LAST_WORDS_SECONDS))
        self._roster.interrupt_all(Interruption.DRAINED)
        await self._all_left(_LAST_WORDS_SECONDS)

    async def _all_left(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._roster.idle.wait()
        except TimeoutError:
            log.info("turns still run", extra={"turns_count": len(self._roster)})

    # --- one turn ----------------------------------------------------------------------------

    async def _run(self, turn: Turn, watch: Watch) -> None:
        try:
            outcome = turn.outcome(await self._speak(turn))
            self._silence(turn, outcome)
            await self._close(turn, watch, outcome)
        finally:
            self._roster.leave(watch)
            turn.release(turn.outcome(Fault(FaultKind.UNREACHABLE)))

    async def _speak(self, turn: Turn) -> Fault | None:
        """None for a whole answer and for an interruption, which the turn itself remembers."""
        try:
            async with turn.speaking(self._limits.whole):
                await self._converse(turn)
        except TimeoutError:
            return None if turn.interruption else Fault(FaultKind.DEADLINE, detail="whole turn")
        except CozeError as error:
            return error.fault
        except TurnLost:
            turn.interruption = turn.interruption or Interruption.FENCED
        except ServiceError as error:
            log.warning("conversation not bound", extra={"code": error.code})
            return Fault(FaultKind.UNREACHABLE, detail=error.code)
        return None

    async def _converse(self, turn: Turn) -> None:
        ticket = turn.ticket
        if turn.conversation_id is None:
            made = await self._assistant.new_conversation(ticket.session_name)
            await self._bind(turn, made, instead_of=None)
            turn.write(frames.meta(ticket, turn.conversation_id))
        question = Question(
            ticket.session_name, turn.conversation_id or "", ticket.message, turn.parameters
        )

        async def rebind(refused: str) -> str:
            made = await self._assistant.new_conversation(ticket.session_name)
            return await self._bind(turn, made, instead_of=refused)

        await self._assistant.answer(question, turn.hear, rebind=rebind)

    async def _bind(self, turn: Turn, made: str, *, instead_of: str | None) -> str:
        """Set-if-absent: two first messages at once share the conversation that was first."""
        bound = await self._binder.bind_conversation(
            BindConversation(
                session_name=turn.ticket.session_name,
                turn_id=turn.ticket.turn_id,
                epoch=turn.ticket.epoch,
                conversation_id=made,
                instead_of=instead_of,
            )
        )
        turn.conversation_id = bound.conversation_id
        return bound.conversation_id

    def _silence(self, turn: Turn, outcome: Outcome) -> None:
        """What we stopped to listen to, Coze may stop to say."""
        if turn.started is None or (outcome.fault is None and outcome.interruption is None):
            return
        started = turn.started
        if not started.conversation_id:
            started = Started(started.chat_id, turn.conversation_id or "")
        self._spawn(self._assistant.cancel(turn.ticket.session_name, started))

    # --- its end -----------------------------------------------------------------------------

    async def _close(self, turn: Turn, watch: Watch, outcome: Outcome) -> None:
        """The caller waits for `turn.closed` two seconds at most, the bus gets longer."""
        if outcome.fault is None and turn.suggestions and outcome.interruption is None:
            turn.write(frames.frame("suggestions", items=turn.suggestions))
        event = turn.event(outcome)
        published = True
        if outcome.interruption is Interruption.FENCED:
            await self._reason_of_fence(watch)
        if event is not None:
            until = self._clock() + self._limits.closed_wait
            published = await self._try_publish(event, turn.ticket, self._limits.closed_wait)
            if published:
                outcome = replace(outcome, closed=await _within(turn.closed, until - self._clock()))
        outcome = replace(outcome, status=_status(turn, watch, outcome))
        self._metrics.turns.labels(outcome.label).inc()
        for frame in last_frames(turn, watch, outcome):
            turn.write(frame)
        turn.release(outcome)
        if event is not None and not published:
            await self._insist(event, turn.ticket)

    async def _reason_of_fence(self, watch: Watch) -> None:
        """A refused lease or binding may be known before the bus has told why."""
        try:
            async with asyncio.timeout(min(1.0, self._limits.closed_wait)):
                await watch.risen.wait()
        except TimeoutError:
            log.info("a turn was fenced without a word on the bus")

    async def _try_publish(self, event: Event, ticket: Ticket, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._publish(event, ticket)
        except (ServiceError, TimeoutError):
            log.warning("the end of a turn is not on the bus yet")
            return False
        return True

    async def _insist(self, event: Event, ticket: Ticket) -> None:
        """Redis is away: try on, for a while. The roster goes on renewing the lease."""
        until = self._clock() + self._limits.publish
        while self._clock() < until:
            await asyncio.sleep(_PUBLISH_PAUSE_SECONDS)
            if await self._try_publish(event, ticket, self._limits.publish):
                return
        log.error("the end of a turn is lost: its lease will close it")
        self._metrics.unpublished.inc()


def last_frames(turn: Turn, watch: Watch, outcome: Outcome) -> list[bytes]:
    """What ends the stream: news of people, then `done`, or an `error` and nothing after it."""
    news = watch.news()
    if (
        outcome.status
        and outcome.status != turn.ticket.status
        and not watch.told_of(StatusChanged.type)
    ):
        closed = outcome.closed
        news = [
            *news,
            frames.status_change(
                outcome.status,
                reason=(closed.reason if closed else None) or "",
                timestamp=closed.timestamp if closed else turn.ticket.timestamp,
            ),
        ]
    if outcome.interruption is Interruption.DRAINED:
        return [*news, frames.error(TurnLost.code, lost_text(turn.ticket.language))]
    if outcome.fault is not None and not _taken_over(outcome):
        text = failed_text(turn.ticket, outcome)
        if watch.told_of(MessageAdded.type):  # the notice stands there already: say it once
            text = texts.in_language(texts.SORRY, turn.ticket.language)
        return [*news, frames.error(AiUnavailable.code, text)]
    return [*news, frames.DONE]


def failed_text(ticket: Ticket, outcome: Outcome) -> str:
    """Friendly words: the notice where the failure brought a person in, else the offer of one."""
    if outcome.closed is not None and outcome.closed.notice:
        return outcome.closed.notice
    fault = outcome.fault
    refused = fault is not None and fault.kind is FaultKind.CONTENT
    return texts.in_language(texts.DECLINED if refused else texts.UNAVAILABLE, ticket.language)


def lost_text(language: str) -> str:
    return texts.in_language(texts.INTERRUPTED, language)


def _taken_over(outcome: Outcome) -> bool:
    """The AI failed, but meanwhile a person has the conversation: nobody minds the failure."""
    return outcome.closed is not None and outcome.closed.outcome == "fenced"


def _status(turn: Turn, watch: Watch, outcome: Outcome) -> str:
    if outcome.closed is not None:
        return outcome.closed.status
    return watch.status or turn.ticket.status


async def _within(future: asyncio.Future[TurnClosed], seconds: float) -> TurnClosed | None:
    done, _ = await asyncio.wait((future,), timeout=max(0.0, seconds))
    return future.result() if done else None
