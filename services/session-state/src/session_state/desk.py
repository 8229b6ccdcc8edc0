"""What visitors and agents may do with a session over HTTP: checked, decided, shown."""

from collections.abc import Sequence
from typing import Any

from common.bus.live import Live
from common.contracts.sessions import Escalate as EscalateBody
from common.contracts.sessions import PostMessage
from common.contracts.visitors import without_agent_ids
from common.errors import InvalidStatus, NotAssigned, NotFound, ValidationFailed
from common.ids import new_sid
from common.security.caller import Caller

from session_state.access import CallPolicy, actor_of, opened, require_length
from session_state.commands import (
    Actor,
    Birth,
    Command,
    Escalate,
    MarkRead,
    Say,
    Takeover,
    Transfer,
)
from session_state.pressure import Pressure
from session_state.session import Profile, Session
from session_state.sessions import Done, Sessions
from session_state.store import Found
from session_state.views import for_agent, for_visitor, trail_for


class Desk:
    """Every method checks whose session it is before anything else."""

    def __init__(
        self, sessions: Sessions, *, live: Live, pressure: Pressure, policy: CallPolicy
    ) -> None:
        self._sessions = sessions
        self._live = live
        self._pressure = pressure
        self._policy = policy

    # --- changing ------------------------------------------------------------------------
    async def do(
        self, name: str, caller: Caller, command: Command, *, traceparent: str = ""
    ) -> Done:
        """A command that needs no more than the right to open the session."""

        async def prepare(found: Found) -> Command | Done:
            opened(found.session, caller, name)
            return command

        return await self._sessions.apply(name, prepare, traceparent=traceparent)

    async def actor(self, caller: Caller) -> Actor:
        """The agent who asks, as known now."""
        return await actor_of(caller, self._sessions.roster)

    async def takeover(
        self, name: str, caller: Caller, *, reason: str = "", traceparent: str = ""
    ) -> Done:
        """The timer of an absent agent is set first: a crash in between leaves one too many."""
        actor = await self.actor(caller)
        await self._sessions.roster.mind(actor.id, now=self._sessions.clock())
        return await self.do(name, caller, Takeover(actor, reason), traceparent=traceparent)

    async def escalate(self, body: EscalateBody, caller: Caller, *, traceparent: str = "") -> Done:
        """A visitor whose session expired gets it anew with the request."""
        name = body.session_name
        if body.message:
            require_length(body.message, self._policy.max_message_chars, field="message")
        command = Escalate(
            details=body.reason,
            message=body.message,
            email=body.email,
            actor=await self.actor(caller) if caller.kind == "agent" else None,
        )

        async def prepare(found: Found) -> Command | Done:
            if found.session is None and caller.kind == "visitor":
                caller.require_visitor(name)
                self._pressure.refuse_new()
            else:
                opened(found.session, caller, name)
            return command

        birth = Birth(name, new_sid(), Profile(language=caller.language), caller.shop)
        return await self._sessions.apply(name, prepare, birth=birth, traceparent=traceparent)

    async def say(self, body: PostMessage, caller: Caller, *, traceparent: str = "") -> Done:
        """The same client_message_id again answers the first result."""
        require_length(body.content, self._policy.max_message_chars, field="content")
        actor = None
        if body.role == "agent":
            actor = await self.actor(caller)
        elif caller.kind == "agent":
            raise ValidationFailed(
                fields=[{"field": "role", "rule": "role", "message": "agents speak as agent"}]
            )
        command = Say(body.content, body.client_message_id, actor)
        scope = f"a:{actor.id}" if actor else "u"
        ids = [f"k:{scope}:{body.client_message_id}"] if body.client_message_id else []

        async def prepare(found: Found) -> Command | Done:
            session = opened(found.session, caller, body.session_name)
            if ids and found.ids[0] is not None:
                message_id, timestamp = found.ids[0].split(" ")[:2]
                return Done(session, {"message_id": message_id, "timestamp": float(timestamp)})
            return command

        return await self._sessions.apply(
            body.session_name, prepare, ids=ids, traceparent=traceparent
        )

    async def transfer(self, name: str, caller: Caller, *, to_agent_id: str, reason: str) -> Done:
        """The target must exist and be one who serves; online and room are checked after the
        session's own state."""
        actor = await self.actor(caller)
        card = await self._sessions.roster.card(to_agent_id)

        async def prepare(found: Found) -> Command | Done:
            session = opened(found.session, caller, name)
            if session.status != "manual_live":
                raise InvalidStatus(status=session.status)
            if card is None or card.role == "guest":
                raise NotFound(agent_id=to_agent_id)
            to = Actor(card.id, card.name, card.role, card.max_sessions)
            return Transfer(actor, to, card.status == "online", reason)

        return await self._sessions.apply(name, prepare)

    async def mark_read(self, name: str, caller: Caller, seq: int) -> Done:
        """`unread` counts from there; counted from the log that the commit will find unchanged."""

        async def prepare(found: Found) -> Command | Done:
            session = opened(found.session, caller, name)
            if caller.kind != "agent":
                return MarkRead(seq, by_agent=False)
            mark = max(min(seq, session.seq), session.read_by_agent)
            unread = await self._sessions.journal.unread_after(name, mark)
            return MarkRead(mark, by_agent=True, unread=unread)

        return await self._sessions.apply(name, prepare)

    async def typing(self, name: str, caller: Caller) -> None:
        """Shown to the other side for some seconds, stored nowhere."""
        session = opened((await self._sessions.store.get(name)).session, caller, name)
        if caller.kind != "agent":
            await self._live.send("typing", name, {"role": "user"})
            return
        agent = caller.require_agent()
        if session.agent is None or session.agent.id != agent.sub:
            raise NotAssigned(agent_name=session.agent.name if session.agent else None)
        data = {"role": "agent", "agent_name": session.agent.name}
        await self._live.send("typing", name, data)

    # --- showing -------------------------------------------------------------------------
    async def show(self, session: Session, caller: Caller) -> dict[str, Any]:
        """SessionState to agents, VisitorSession to the visitor."""
        is_agent = caller.kind == "agent"
        history = await self._sessions.journal.newest(
            session.name,
            limit=self._policy.max_history,
            above=0 if is_agent else session.visible_from,
        )
        return for_agent(session, history) if is_agent else for_visitor(session, history)

    async def session(self, name: str, caller: Caller) -> dict[str, Any]:
        """The session and its audit trail."""
        session = opened((await self._sessions.store.get(name)).session, caller, name)
        trail = await self._sessions.store.trail(name)
        return {
            "session": await self.show(session, caller),
            "audit_trail": trail_for(trail, visitor=caller.kind != "agent"),
        }

    async def messages(
        self, name: str, caller: Caller, *, after: str | None, before: str | None, limit: int
    ) -> dict[str, Any]:
        """A page of messages; `after` wins over `before`."""
        ids = [f"m:{mark}" for mark in (after, before) if mark is not None]
        found = await self._sessions.store.get(name, ids)
        session = opened(found.session, caller, name)
        is_agent = caller.kind == "agent"
        above = 0 if is_agent else session.visible_from
        marks = _marks(after, before, found.ids)
        journal = self._sessions.journal
        if after is not None:
            start = max(above, marks["after"])
            page = await journal.following(name, after=start, limit=limit + 1)
            has_more, page = len(page) > limit, page[:limit]
        else:
            page = await journal.newest(
                name, limit=limit + 1, before=marks.get("before"), above=above
            )
            has_more, page = len(page) > limit, page[-limit:]
        if not is_agent:
            page = [without_agent_ids(message) for message in page]
        return {"messages": page, "has_more": has_more}


def _marks(after: str | None, before: str | None, found: Sequence[str | None]) -> dict[str, int]:
    """The seqs that message ids, or seqs, stand for; an unknown id is 422."""
    marks: dict[str, int] = {}
    seqs = iter(found)
    for field, mark in (("after", after), ("before", before)):
        if mark is None:
            continue
        known = next(seqs)
        if known is not None:
            marks[field] = int(known)
        elif mark.isdecimal() and len(mark) <= 15:
            marks[field] = int(mark)
        else:
            raise ValidationFailed(
                fields=[{"field": field, "rule": "message_id", "message": "no such message"}]
            )
    return marks
