"""Applying commands to sessions: read, decide, commit; and again when somebody was faster."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

from common.clock import Clock
from common.errors import Conflict as ConflictError
from common.events.base import Event
from common.events.mails import MailRequested
from common.events.sessions import MessageAdded
from common.ids import NewId
from common.metrics import Metrics

from session_state.commands import (
    Answer,
    Ask,
    Birth,
    Cancel,
    Close,
    Command,
    Escalate,
    Fail,
    Release,
    Requeue,
    Takeover,
    Transfer,
)
from session_state.decision import Context, Decision, Policy
from session_state.duty import Duty
from session_state.excerpts import with_excerpt
from session_state.journal import Journal
from session_state.machine import decide
from session_state.roster import Roster
from session_state.session import Session
from session_state.store import Conflict, Found, Store

_ATTEMPTS = 12
_PAUSE_SECONDS = 0.004
# what must go through when Redis is full (flows.md, "The commit")
_URGENT = (Takeover, Transfer, Release, Requeue, Cancel, Close)


@dataclass(frozen=True, slots=True)
class Done:
    """The session after a command, and what the command answers. `decision` is None where an
    earlier result was remembered."""

    session: Session
    result: dict[str, Any]
    decision: Decision | None = None

    @property
    def mailed(self) -> bool:
        """Whether the team has been, or is being, told by mail."""
        escalation = self.session.escalation
        return escalation is not None and escalation.letters > 0


Prepare = Callable[[Found], Awaitable[Command | Done]]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What one call of `apply` asks for, over all its attempts."""

    name: str
    prepare: Prepare
    ids: tuple[str, ...]
    commit_id: str | None
    birth: Birth | None
    traceparent: str


class Sessions:
    """The one way to change a session. Any replica may serve any session."""

    def __init__(
        self,
        *,
        store: Store,
        journal: Journal,
        roster: Roster,
        duty: Duty,
        policy: Policy,
        clock: Clock,
        new_id: NewId,
        metrics: Metrics,
    ) -> None:
        self.store = store
        self.journal = journal
        self.roster = roster
        self.duty = duty
        self.clock = clock
        self.new_id = new_id
        self.limits = policy.limits
        self._ai_enabled = policy.ai_enabled
        self._conflicts = metrics.counter("commit_conflicts", "Commits another one outran.")
        self._moves = metrics.counter(
            "transitions", "Transitions of the state table.", ["before", "after"]
        )
        self._listeners: list[Callable[[Decision], None]] = []
        # who was outrun goes on one at a time: the others of this process then can't outrun it
        self._queues: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def on_commit(self, listener: Callable[[Decision], None]) -> None:
        """Told of every decision this replica committed; must not block."""
        self._listeners.append(listener)

    async def apply(
        self,
        name: str,
        prepare: Prepare,
        *,
        ids: Sequence[str] = (),
        commit_id: str | None = None,
        birth: Birth | None = None,
        traceparent: str = "",
    ) -> Done:
        """Read, let `prepare` check and make the command, decide, commit. A commit that another
        one outran is decided anew on what is true now; after twelve times it is CONFLICT.

        With a `commit_id` of its own a command applied before answers its first result. `birth`
        is what to make where there is no session; `prepare` refuses where that is not wished.
        """
        wish = _Wish(name, prepare, tuple(ids), commit_id, birth, traceparent)
        try:
            return await self._try(wish)
        except Conflict:
            self._conflicts.inc()
        lock = self._queues.setdefault(name, asyncio.Lock())
        async with lock:
            for attempt in range(1, _ATTEMPTS):
                # the other replicas may be at it as well
                await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * attempt))
                try:
                    return await self._try(wish)
                except Conflict:
                    self._conflicts.inc()
        raise ConflictError

    async def _try(self, wish: "_Wish") -> Done:
        """One attempt; raises Conflict when another commit came between."""
        known = None
        if wish.commit_id is None:
            found = await self.store.get(wish.name, wish.ids)
        else:
            found = await self.store.get(wish.name, (*wish.ids, f"c:{wish.commit_id}"))
            found, known = replace(found, ids=found.ids[:-1]), found.ids[-1]
        if known is not None and found.session is not None:
            return Done(found.session, {"repeated": True})
        command = await wish.prepare(found)
        if isinstance(command, Done):
            return command
        now = self.clock()
        before = found.session or _born(wish.birth, wish.name, now)
        decision = await self._decide(before, command, now)
        if not decision.changed:
            return Done(before, decision.result, decision)
        committed = await self.store.save(
            decision,
            before,
            commit_id=wish.commit_id or self.new_id(),
            now=now,
            day=self.duty.day(now),
            urgent=isinstance(command, _URGENT),
            traceparent=wish.traceparent,
        )
        if committed.first is not None:
            return Done(decision.session, committed.first)
        self._tell(decision)
        return Done(decision.session, decision.result, decision)

    async def _decide(self, before: Session, command: Command, now: float) -> Decision:
        decision = decide(before, command, await self._context(before, command, now))
        if any(isinstance(event, MailRequested) for event in decision.events):
            return replace(decision, events=await self._with_excerpts(before, decision))
        return decision

    async def _context(self, session: Session, command: Command, now: float) -> Context:
        duty = self.duty.now(now)
        asks = duty.is_open and self._may_call_for_people(session, command)
        return Context(
            now=now,
            new_id=self.new_id,
            in_shift=duty.is_open,
            shift_ends_at=duty.ends_at,
            next_open_at=duty.next_open_at,
            anybody=await self.roster.anybody() if asks else True,
            ai_enabled=self._ai_enabled,
            limits=self.limits,
        )

    def _may_call_for_people(self, session: Session, command: Command) -> bool:
        """Whether it matters who is online: not at an ordinary turn, which is a hot path."""
        if isinstance(command, Ask):
            return command.rule is not None or not self._ai_enabled
        if isinstance(command, (Answer, Fail)):
            return session.ai_fail_count + 1 >= self.limits.fail_threshold
        return isinstance(command, (Escalate, Requeue))

    async def _with_excerpts(self, before: Session, decision: Decision) -> list[Event]:
        said_now = [e.event for e in decision.entries if isinstance(e.event, MessageAdded)]
        return [
            await with_excerpt(event, before, said_now, self.journal)
            if isinstance(event, MailRequested)
            else event
            for event in decision.events
        ]

    def _tell(self, decision: Decision) -> None:
        for step in decision.steps:
            self._moves.labels(step.before, step.after).inc()
        for listener in self._listeners:
            listener(decision)


def _born(birth: Birth | None, name: str, now: float) -> Session:
    """A session that is not there yet: version 0 tells the commit that it must not exist."""
    if birth is None:
        raise ConflictError
    return Session(
        name=name,
        sid=birth.sid,
        status="bot_active",
        created_at=now,
        updated_at=now,
        shop=birth.shop,
        profile=birth.profile,
    )
