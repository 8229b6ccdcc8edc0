"""A session's Coze conversation: bound by a turn, renewed by `new` and `clear`."""

from typing import Any

from common.contracts.sessions import (
    BindConversation,
    ConversationCheck,
    ConversationSet,
    RenewLease,
)
from common.errors import TurnLost
from common.ids import new_session_name, new_sid

from session_state.access import CallPolicy, require_sid
from session_state.commands import Bind, Birth, Command, Renew
from session_state.pressure import Pressure
from session_state.session import Profile
from session_state.sessions import Done, Sessions
from session_state.store import Found
from session_state.turns import refuse_if_silenced


class Conversations:
    """Serves chat-proxy, which makes conversations at Coze."""

    def __init__(self, sessions: Sessions, *, pressure: Pressure, policy: CallPolicy) -> None:
        self._sessions = sessions
        self._pressure = pressure
        self._policy = policy

    async def renew_lease(self, body: RenewLease) -> None:
        """Raises TurnLost when the open turn is another one."""
        until = self._sessions.clock() + self._policy.lease_seconds
        store = self._sessions.store
        if not await store.renew_lease(body.session_name, body.turn_id, until=until):
            raise TurnLost

    async def bind(self, body: BindConversation) -> str:
        """The conversation that counts."""

        async def prepare(found: Found) -> Command | Done:
            if found.session is None:
                raise TurnLost
            return Bind(body.turn_id, body.epoch, body.conversation_id, body.instead_of)

        done = await self._sessions.apply(body.session_name, prepare)
        bound: str = done.result["conversation_id"]
        return bound

    async def check(self, body: ConversationCheck) -> dict[str, Any]:
        """May the caller have a new conversation? Writes nothing."""
        if body.session_name is None:
            self._pressure.refuse_new()
            return {"session_name": new_session_name(), "exists": False}
        session = (await self._sessions.store.get(body.session_name)).session
        if session is None:
            self._pressure.refuse_new()
        else:
            require_sid(session, body.sid)
            refuse_if_silenced(session, self._sessions.clock())
        return {"session_name": body.session_name, "exists": session is not None}

    async def renew(self, body: ConversationSet, *, traceparent: str = "") -> dict[str, Any]:
        """Give the session a new conversation; makes the session where there is none."""

        async def prepare(found: Found) -> Command | Done:
            if found.session is not None:
                require_sid(found.session, body.sid)
            else:
                self._pressure.refuse_new()
            return Renew(body.conversation_id, clear=body.clear)

        language = body.language or self._policy.default_language
        profile = Profile(vip=body.vip, language=language)
        done = await self._sessions.apply(
            body.session_name,
            prepare,
            birth=Birth(body.session_name, new_sid(), profile, body.shop),
            traceparent=traceparent,
        )
        session = done.session
        return {
            "session_name": session.name,
            "sid": session.sid,
            "vip": session.profile.vip,
            "conversation_id": session.conversation_id,
            "language": session.language,
        }
