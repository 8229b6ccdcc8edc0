"""Asks Coze the way a patient person would: again while nothing was heard, never once it spoke.

attempt ─fault, nothing shown yet─▶ back off 1–10 s ─▶ attempt … at most three
        ─fault after the first delta─▶ failure: the round is stored and charged at Coze
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from chat_proxy.coze.breaker import Breaker
from chat_proxy.coze.client import CozeClient, Question
from chat_proxy.coze.decode import Delta, Item, Started
from chat_proxy.coze.faults import ALARMED, RETRIED, SICK, CozeError, Fault, FaultKind
from chat_proxy.coze.streams import OnItems
from chat_proxy.metrics import CozeMetrics

log = logging.getLogger(__name__)

T = TypeVar("T")

Rebind = Callable[[str], Awaitable[str]]
"""Takes the id of a conversation that Coze refuses, gives the one to use instead."""


@dataclass(frozen=True, slots=True)
class Patience:
    """`first` doubles with each attempt up to `longest`; half of each pause is jitter."""

    attempts: int = 3
    first_seconds: float = 1
    longest_seconds: float = 10

    def pause(self, attempt: int, chance: float) -> float:
        """Seconds to wait after the failed attempt (1, 2, …); `chance` in [0, 1)."""
        full = min(self.longest_seconds, self.first_seconds * float(2**attempt))
        return full / 2 * (1 + chance)


class Assistant:
    """The only way from a turn to Coze: breaker, attempts and measurements live here."""

    def __init__(
        self,
        coze: CozeClient,
        breaker: Breaker,
        metrics: CozeMetrics,
        *,
        patience: Patience,
        clock: Callable[[], float],
        chance: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._coze = coze
        self._breaker = breaker
        self._metrics = metrics
        self._patience = patience
        self._clock = clock
        self._chance = chance
        self._sleep = sleep

    async def new_conversation(self, session_name: str) -> str:
        """A conversation made by Coze for this session alone; raises `CozeError`."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._guarded(lambda: self._coze.create_conversation(session_name))
            except CozeError as error:
                await self._before_next(attempt, error.fault)

    async def answer(self, question: Question, on_items: OnItems, *, rebind: Rebind) -> None:
        """Hands on one attempt's items (of failed ones at most `Started` and what is no text);
        returns when the answer is whole, raises `CozeError` when there is none."""
        attempt, rebound = 0, False
        while True:
            attempt += 1
            hearing = _Hearing(on_items, self._clock)
            try:
                await self._guarded(lambda: self._attempt(question, hearing))  # noqa: B023
            except CozeError as error:
                if hearing.spoken:
                    raise
                if error.fault.kind is FaultKind.CONTEXT and not rebound:
                    rebound, attempt = True, attempt - 1
                    question = replace(
                        question, conversation_id=await rebind(question.conversation_id)
                    )
                    continue
                await self._silence(question, hearing.started, error.fault)
                await self._before_next(attempt, error.fault)
            else:
                return

    async def cancel(self, session_name: str, started: Started) -> None:
        """Tell Coze, best effort, that nobody listens any more."""
        await self._coze.cancel(session_name, started.conversation_id, started.chat_id)

    async def _attempt(self, question: Question, hearing: "_Hearing") -> None:
        begun = self._clock()
        await self._coze.ask(question, hearing.hear)
        self._metrics.answer.observe(self._clock() - begun)
        if hearing.spoken_at is not None:
            self._metrics.first_delta.observe(hearing.spoken_at - begun)

    async def _guarded(self, call: Callable[[], Awaitable[T]]) -> T:
        """Exactly one report to the breaker for each call that it allowed."""
        if not self._breaker.allows():
            self._count(Fault(FaultKind.BREAKER_OPEN))
            raise CozeError(Fault(FaultKind.BREAKER_OPEN))
        report = self._breaker.abandoned
        try:
            result = await call()
            report = self._breaker.succeeded
        except CozeError as error:
            if error.fault.kind in SICK:
                report = self._breaker.failed
            self._count(error.fault)
            raise
        finally:
            report()
        return result

    def _count(self, fault: Fault) -> None:
        self._metrics.faults.labels(fault.kind.value).inc()
        level = logging.ERROR if fault.kind in ALARMED else logging.WARNING
        log.log(
            level,
            "coze failed",
            extra={"fault": fault.kind.value, "coze_code": fault.code, "logid": fault.logid},
        )

    async def _silence(self, question: Question, started: Started | None, fault: Fault) -> None:
        """An attempt given up on would hold its conversation: the next would meet 4016."""
        if started is not None and fault.kind in SICK:
            await self.cancel(question.session_name, started)

    async def _before_next(self, attempt: int, fault: Fault) -> None:
        """Wait for the next attempt, or raise where there is none."""
        last = attempt >= self._patience.attempts
        if last or fault.kind not in RETRIED:
            raise CozeError(fault)
        await self._sleep(self._patience.pause(attempt, self._chance()))


class _Hearing:
    """What one attempt let us hear so far."""

    def __init__(self, on_items: OnItems, clock: Callable[[], float]) -> None:
        self._on_items = on_items
        self._clock = clock
        self.started: Started | None = None
        self.spoken_at: float | None = None

    @property
    def spoken(self) -> bool:
        return self.spoken_at is not None

    def hear(self, items: Sequence[Item]) -> None:
        if self.spoken_at is None:
            self._note(items)
        self._on_items(items)

    def _note(self, items: Sequence[Item]) -> None:
        for item in items:
            if isinstance(item, Started):
                self.started = item
            elif isinstance(item, Delta):
                self.spoken_at = self._clock()
                return
