"""The draft in which the machine writes a decision down: one transition, message or letter at a
time, so that what belongs together is never forgotten."""

from dataclasses import replace
from typing import Any, Literal

from common.errors import InvalidStatus
from common.events.base import Event
from common.events.mails import MailRequested
from common.events.sessions import (
    AgentInfo,
    MessageAdded,
    Role,
    SessionCreated,
    SessionEscalated,
    Status,
    StatusChanged,
)

from session_state.commands import Actor
from session_state.decision import (
    ABANDON,
    EXPIRE,
    LEASE,
    OPENING,
    SESSION_TIMERS,
    SHIFT_END,
    TRANSITIONS,
    WAIT,
    Audience,
    Context,
    Decision,
    Logged,
    Step,
)
from session_state.session import Assigned, Escalation, Mail, Session, evolve, preview_of
from session_state.texts import notice

_SILENT: frozenset[Status] = frozenset({"pending_manual", "manual_live", "closed"})
_KEPT_TIMERS: dict[Status, tuple[str, ...]] = {
    "bot_active": (LEASE, EXPIRE),
    "pending_manual": (WAIT, SHIFT_END, ABANDON),
    "manual_live": (),
    "after_hours_email": (LEASE, OPENING),
    "closed": (EXPIRE,),
}


class Draft:
    """A decision being written: starts from the session as read, ends with `finish`."""

    def __init__(self, session: Session, context: Context) -> None:
        self.before = session
        self._session = session
        self._changes: dict[str, Any] = {}
        self.context = context
        self.entries: list[Logged] = []
        self.events: list[Event] = []
        self.timers: dict[str, float] = {}
        self.disarmed: set[str] = set()
        self.steps: list[Step] = []
        self.ids: dict[str, str] = {}
        self.counters: dict[str, int] = {}
        self.gains: Actor | None = None
        self.loses: str | None = None
        self.by_visitor = False
        self.result: dict[str, Any] = {}

    @property
    def session(self) -> Session:
        """The session as the draft has it so far."""
        if self._changes:
            self._session, self._changes = evolve(self._session, self._changes), {}
        return self._session

    def change(self, **changes: Any) -> None:
        """Set facts of the session; put together when somebody looks."""
        self._changes.update(changes)

    def count(self, counter: str, by: int = 1) -> None:
        """Move a counter of the day."""
        self.counters[counter] = self.counters.get(counter, 0) + by

    @property
    def next_seq(self) -> int:
        """The sequence number of the next entry; the commit fails if another came first."""
        return self.before.seq + len(self.entries) + 1

    def log(self, event: Event, *, frame: str | None = None, audience: Audience = "va") -> int:
        """Append to the session's log and the bus; answers the entry's seq."""
        seq = self.next_seq
        self.entries.append(Logged(event, frame or event.frame or "", audience))
        return seq

    def say(self, role: Role, content: str, *, message_id: str, **more: Any) -> int:
        """Append a message; answers its seq."""
        message = MessageAdded(
            message_id=message_id,
            role=role,
            content=content,
            timestamp=self.context.now,
            **more,
        )
        seq = self.next_seq
        self.entries.append(Logged(message, message.frame_name(), "va", message_id))
        # lists show what somebody said: a notice would be the same in every row
        if role != "system":
            self.change(preview=preview_of(content), preview_role=role, preview_at=self.context.now)
        return seq

    def notice(self, key: str, *, agent: str = "", message_id: str | None = None) -> str:
        """A system notice in the session's language; answers its text."""
        text = notice(key, self.session.language, agent=agent)
        message_id = message_id or self.context.new_id()
        self.say("system", text, message_id=message_id, notice=key)
        return text

    def move(
        self,
        to: Status,
        reason: str,
        *,
        operator: str | None = None,
        note: str = "",
        agent: Actor | None = None,
    ) -> None:
        """One transition of the state table: logged, in the trail, version and epoch raised, the
        open turn cleared where the AI is silenced, timers and load sets set for the new state."""
        session, now = self.session, self.context.now
        if (session.status, to) not in TRANSITIONS:
            raise InvalidStatus(status=session.status)
        silenced = to in _SILENT
        self.steps.append(Step(session.status, to, operator, reason, note, now))
        self._count_service(to)
        self._hold(agent)
        serves = Assigned(agent.id, agent.name) if agent else None
        was = session.status
        self.change(
            status=to,
            version=session.version + 1,
            epoch=session.epoch + (1 if silenced else 0),
            turn=None if silenced else session.turn,
            agent=serves,
            waiting_since=now if to == "pending_manual" else None,
            serving_since=now if to == "manual_live" else None,
            last_manual_end_at=(
                now if was == "manual_live" and to != was else session.last_manual_end_at
            ),
        )
        self.log(
            StatusChanged(
                status=to,
                previous=was,
                reason=reason,
                agent_info=AgentInfo(id=agent.id, name=agent.name) if agent else None,
                timestamp=now,
                version=self.session.version,
            )
        )
        self._arm(to)

    def _count_service(self, to: Status) -> None:
        session, now = self.session, self.context.now
        if session.serving_since is not None and session.agent is not None:
            served = max(0, int((now - session.serving_since) * 1000))
            self.count("service_ms", served)
            self.count("services")
            self.count(f"agent:{session.agent.id}:service_ms", served)
            self.count(f"agent:{session.agent.id}:services")
        if session.waiting_since is not None and to == "manual_live":
            self.count("waiting_ms", max(0, int((now - session.waiting_since) * 1000)))
            self.count("waits")

    def _hold(self, agent: Actor | None) -> None:
        holder = self.session.agent
        if holder is not None and (agent is None or agent.id != holder.id):
            self.loses = holder.id
        if agent is not None:
            self.gains = agent

    def _arm(self, to: Status) -> None:
        kept = _KEPT_TIMERS[to]
        self.disarmed.update(kind for kind in SESSION_TIMERS if kind not in kept)
        for kind in list(self.timers):
            if kind not in kept:
                del self.timers[kind]
        limits, now = self.context.limits, self.context.now
        if to == "pending_manual":
            self.timers[WAIT] = now + limits.wait_timeout_seconds
            ends = self.context.shift_ends_at if self.context.in_shift else now
            if ends is not None:
                self.timers[SHIFT_END] = ends
            self.arm_abandon()
        elif to == "after_hours_email" and self.context.next_open_at is not None:
            self.timers[OPENING] = self.context.next_open_at

    def arm_abandon(self, since: float | None = None) -> None:
        """An escalation with an e-mail address, or one that was `after_hours_email`, is never
        abandoned: the visitor was told that we come back to them."""
        escalation = self.session.escalation
        exempt = escalation is not None and (escalation.email or escalation.was_after_hours)
        if self.session.status == "pending_manual" and not exempt:
            start = self.context.now if since is None else since
            self.timers[ABANDON] = start + self.context.limits.abandon_seconds
            self.disarmed.discard(ABANDON)
        else:
            self.timers.pop(ABANDON, None)
            self.disarmed.add(ABANDON)

    def escalate(
        self,
        reason: str,
        *,
        details: str = "",
        operator: str | None = None,
        severity: Literal["low", "high"] = "low",
        message: str | None = None,
        email: str | None = None,
        message_id: str | None = None,
    ) -> str:
        """Open a request for a person and tell the visitor; answers the notice's text."""
        now, in_shift = self.context.now, self.context.in_shift
        opened = Escalation(
            id=self.context.new_id(),
            reason=reason,
            trigger_at=now,
            details=details,
            severity=severity,
            email=email,
            message=message,
            was_after_hours=not in_shift,
        )
        self.change(escalation=opened, mail=Mail())
        to: Status = "pending_manual" if in_shift else "after_hours_email"
        self.move(to, reason, operator=operator)
        self.count("escalations")
        self.count(f"reason:{reason}")
        self.events.append(
            SessionEscalated(
                session_name=self.session.name,
                escalation_id=opened.id,
                reason=reason,
                details=details,
                severity=severity,
                status=to,
                is_in_shift=in_shift,
            )
        )
        if not in_shift:
            self.letter("after_hours")
            return self.notice("after_hours", message_id=message_id)
        if not self.context.anybody:
            self.letter("nobody_online")
            return self.notice("waiting_nobody", message_id=message_id)
        return self.notice("waiting", message_id=message_id)

    def letter(self, cause: Any) -> bool:
        """Ask for the escalation's one letter; False when it was asked for before."""
        escalation = self.session.escalation
        if escalation is None or escalation.letters > 0:
            return False
        self._mail(escalation, cause, number=0, message=escalation.message)
        return True

    def follow_up(self, message: str | None) -> None:
        """Ask for one more letter about the open escalation."""
        escalation = self.session.escalation
        if escalation is not None:
            self._mail(escalation, "follow_up", number=escalation.letters, message=message)

    def _mail(self, about: Escalation, cause: Any, *, number: int, message: str | None) -> None:
        profile = self.session.profile
        self.events.append(
            MailRequested(
                session_name=self.session.name,
                escalation_id=about.id,
                kind="follow_up" if number else "escalation",
                cause=cause,
                number=number,
                at=self.context.now,
                reason=about.reason,
                details=about.details,
                severity=about.severity,
                language=self.session.language or "en",
                nickname=profile.nickname,
                vip=profile.vip,
                message=message,
                email=about.email,
            )
        )
        self.change(escalation=replace(about, letters=number + 1, additions=()))
        self.count("mails")

    def finish(self, *, by_visitor: bool = False) -> Decision:
        """The decision. A commit without a transition raises `version` too: the commit compares
        it, and receivers drop summaries that are not newer."""
        version = max(self.session.version, self.before.version + 1)
        if self.before.version == 0:
            session = self.session
            self.count("sessions")
            # last, so that the summary travels on it
            self.events.append(
                SessionCreated(
                    session_name=session.name, language=session.language, shop=session.shop
                )
            )
        self.change(
            version=version,
            updated_at=self.context.now,
            seq=self.before.seq + len(self.entries),
        )
        self._arm_expiry()
        return Decision(
            session=self.session,
            entries=self.entries,
            events=self.events,
            timers=self.timers,
            disarmed=sorted(self.disarmed - self.timers.keys()),
            steps=self.steps,
            ids=self.ids,
            counters=self.counters,
            gains=self.gains,
            loses=self.loses,
            by_visitor=by_visitor,
            result=self.result,
        )

    def _arm_expiry(self) -> None:
        """Only `bot_active` and `closed` expire."""
        if self.session.status not in ("bot_active", "closed"):
            return
        self.timers[EXPIRE] = self.context.limits.expires_at(self.session)
        self.disarmed.discard(EXPIRE)
