"""What other services report: how turns ended, who the agents are, how mails went."""

from common.bus.entry import Entry
from common.bus.publisher import Publisher
from common.errors import NotFound
from common.events import (
    AgentChanged,
    AgentRemoved,
    AgentStatusChanged,
    Event,
    MailFailed,
    MailSent,
    TurnAnswered,
    TurnClosed,
    TurnFailed,
)
from common.metrics import Metrics

from session_state.commands import Answer, Command, Fail, RecordMail
from session_state.regulator import Regulator
from session_state.roster import Roster
from session_state.session import Session
from session_state.sessions import Done, Prepare, Sessions
from session_state.store import Found


class Outcomes:
    """Handlers of the consumer group `session-state`. Each may be called twice: the event's id is
    the commit's id."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        regulator: Regulator,
        roster: Roster,
        publisher: Publisher,
        metrics: Metrics,
    ) -> None:
        self._sessions = sessions
        self._regulator = regulator
        self._roster = roster
        self._publisher = publisher
        self._turns = metrics.counter("turns_closed", "AI turns by how they ended.", ["outcome"])
        self._fenced = metrics.counter("answers_fenced", "AI answers of an older epoch, refused.")
        self._late = metrics.counter("answers_late", "AI answers after their turn, dropped.")

    async def turn_answered(self, event: Event, entry: Entry) -> None:
        if not isinstance(event, TurnAnswered):
            return
        command = Answer(
            turn_id=event.turn_id,
            message_id=event.message_id,
            epoch=event.epoch,
            content=event.content,
            suggestions=tuple(event.suggestions),
            stopped=event.stopped,
            failure=not event.stopped and self._regulator.is_failure(event.content),
        )
        done = await self._close(event.session_name, event.turn_id, command, entry)
        if done is not None and done.decision is not None and not done.decision.changed:
            late = done.result["outcome"] == "lost"
            (self._late if late else self._fenced).inc()

    async def turn_failed(self, event: Event, entry: Entry) -> None:
        if not isinstance(event, TurnFailed):
            return
        command = Fail(event.turn_id, event.epoch, event.reason, counted=event.counted)
        await self._close(event.session_name, event.turn_id, command, entry)

    async def _close(
        self, name: str, turn_id: str, command: Answer | Fail, entry: Entry
    ) -> Done | None:
        try:
            done = await self._sessions.apply(
                name,
                _always(command),
                commit_id=entry.event_id,
                traceparent=entry.text(b"traceparent"),
            )
        except NotFound:
            # the session expired under the turn: who waits for the verdict gets one
            self._late.inc()
            await self._refuse(name, turn_id, None, entry)
            return None
        if done.decision is None:
            return done
        self._turns.labels(done.result["outcome"]).inc()
        if not done.decision.changed:
            await self._refuse(name, turn_id, done.session, entry, done.result["outcome"])
        return done

    async def _refuse(
        self,
        name: str,
        turn_id: str,
        session: Session | None,
        entry: Entry,
        outcome: str = "lost",
    ) -> None:
        """Nothing is stored, so there is no commit: the verdict goes out by itself, once."""
        await self._publisher.publish(
            TurnClosed(
                session_name=name,
                turn_id=turn_id,
                outcome="fenced" if outcome == "fenced" else "lost",
                status=session.status if session else "closed",
                timestamp=self._sessions.clock(),
            ),
            subject=name,
            event_id=f"{entry.event_id}-closed",
        )

    async def agent_changed(self, event: Event, entry: Entry) -> None:  # noqa: ARG002
        if isinstance(event, (AgentChanged, AgentStatusChanged)):
            await self._roster.learn(event.agent, at=event.at)

    async def agent_removed(self, event: Event, entry: Entry) -> None:  # noqa: ARG002
        if isinstance(event, AgentRemoved):
            await self._roster.forget(event.agent_id, at=event.at)

    async def mail_reported(self, event: Event, entry: Entry) -> None:
        if not isinstance(event, (MailSent, MailFailed)) or event.kind == "transcript":
            return
        command = RecordMail(
            escalation_id=event.escalation_id,
            kind=event.kind,
            message_id=event.message_id,
            at=event.sent_at if isinstance(event, MailSent) else event.at,
            email_to=tuple(event.email_to) if isinstance(event, MailSent) else (),
            error=event.error if isinstance(event, MailFailed) else None,
        )
        try:
            await self._sessions.apply(
                event.session_name, _always(command), commit_id=entry.event_id
            )
        except NotFound:
            return


def _always(command: Command) -> Prepare:
    async def prepare(found: Found) -> Command | Done:
        if found.session is None:
            raise NotFound
        return command

    return prepare
