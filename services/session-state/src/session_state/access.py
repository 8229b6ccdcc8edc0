"""Whose session is it: visitors by their signed sid, plain old callers by the conversation id."""

import hmac
from dataclasses import dataclass

from common.errors import ManualInProgress, NotFound, SessionForbidden, ValidationFailed
from common.security.caller import Caller

from session_state.commands import Actor
from session_state.roster import Roster
from session_state.session import Session


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """What the owner set for calls."""

    max_history: int = 50
    max_message_chars: int = 5000
    default_language: str = "zh"
    legacy_allowed: bool = False
    lease_seconds: float = 15.0


def require_sid(session: Session, sid: str | None) -> None:
    """The bearer's sid must be the session's: a name alone opens nothing."""
    if sid is None or not same(sid, session.sid):
        raise SessionForbidden


def require_conversation(session: Session, conversation_id: str | None) -> None:
    """The concession to callers of the old contract: weak, so in `bot_active` only. Where people
    are at work the answer is their 409 either way."""
    known = session.conversation_id
    if not conversation_id or known is None or not same(conversation_id, known):
        raise SessionForbidden
    if session.status in ("pending_manual", "manual_live"):
        raise ManualInProgress(status=session.status)
    if session.status != "bot_active":
        raise SessionForbidden


def same(given: str, known: str) -> bool:
    """Compared in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode(), known.encode())


def opened(session: Session | None, caller: Caller, name: str) -> Session:
    """The session for this caller: agents any, visitors their own. An unknown one is 404 to
    agents and 403 to visitors, who must not learn which names exist."""
    if caller.kind == "agent":
        if session is None:
            raise NotFound(session_name=name)
        return session
    claims = caller.require_visitor(name)
    if session is None:
        raise SessionForbidden
    require_sid(session, claims.sid)
    return session


async def actor_of(caller: Caller, roster: Roster) -> Actor:
    """The agent who asks: who they are is the token's word, how much they may hold is auth's
    latest."""
    claims = caller.require_agent()
    card = await roster.card(claims.sub)
    return Actor(
        id=claims.sub,
        name=card.name if card else claims.name,
        role=claims.role,
        max_sessions=card.max_sessions if card else claims.max_sessions,
    )


def require_length(text: str, limit: int, *, field: str) -> None:
    """MAX_MESSAGE_CHARS, counted after trimming."""
    if len(text.strip()) > limit:
        raise ValidationFailed(
            fields=[
                {
                    "field": field,
                    "rule": "string_too_long",
                    "message": f"at most {limit} characters",
                }
            ]
        )
