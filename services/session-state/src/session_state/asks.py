"""Opening a turn: who asks, was it asked before, does a rule want a person."""

from typing import Any

from common.contracts.sessions import OpenTurn
from common.errors import TurnInProgress
from common.ids import new_session_name, new_sid

from session_state.access import CallPolicy, require_conversation, require_length, require_sid
from session_state.commands import Ask, Birth, Command, Rule
from session_state.pressure import Pressure
from session_state.regulator import Regulator
from session_state.session import Profile, Session
from session_state.sessions import Done, Sessions
from session_state.store import Found


class Asks:
    """Answers tickets; refusals are failures (contracts/sessions.py, `Ticket`)."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        regulator: Regulator,
        pressure: Pressure,
        policy: CallPolicy,
    ) -> None:
        self._sessions = sessions
        self._regulator = regulator
        self._pressure = pressure
        self._policy = policy

    async def open(self, body: OpenTurn, *, traceparent: str = "") -> dict[str, Any]:
        """The ticket of a question."""
        require_length(body.message, self._policy.max_message_chars, field="message")
        name = body.session_name or new_session_name()
        question = _Question(body.message)
        is_known = False

        async def prepare(found: Found) -> Command | Done:
            nonlocal is_known
            session = found.session
            is_known = session is not None
            if session is None:
                self._pressure.refuse_new()
            else:
                self._require_right(session, body)
                if body.client_message_id and found.ids[0] is not None:
                    earlier = await self._again(session, found.ids[0], question)
                    if earlier is not None:
                        return earlier
            return Ask(
                content=question.text,
                client_message_id=body.client_message_id,
                language=body.language,
                rule=self._rule(session, body, question.text),
                question_id=question.id,
            )

        done = await self._sessions.apply(
            name,
            prepare,
            ids=[f"k:u:{body.client_message_id}"] if body.client_message_id else (),
            birth=self._birth(name, body),
            traceparent=traceparent,
        )
        ticket = _ticket(done, question.text, now=self._sessions.clock())
        if is_known and body.sid is None:
            # a conversation id opens this turn; the sid would make it the visitor's own token
            ticket["sid"] = ""
        return ticket

    def _require_right(self, session: Session, body: OpenTurn) -> None:
        if body.sid is None and self._policy.legacy_allowed:
            require_conversation(session, body.conversation_id)
        else:
            require_sid(session, body.sid)

    def _birth(self, name: str, body: OpenTurn) -> Birth:
        language = body.language or self._policy.default_language
        return Birth(name, new_sid(), Profile(vip=body.vip, language=language), body.shop)

    def _rule(self, session: Session | None, body: OpenTurn, question: str) -> Rule | None:
        if session is not None and session.status == "after_hours_email":
            return self._regulator.asks_for_person(question)
        fresh = session is None or session.status == "closed"
        fired = () if session is None or fresh else session.fired
        vip = body.vip or (session is not None and session.profile.vip)
        return self._regulator.before(question, vip=vip, fired=fired)

    async def _again(self, session: Session, seen: str, question: "_Question") -> Done | None:
        """The same client_message_id again: running is 409, answered is its answer, failed is a
        new turn on the stored question (None)."""
        words = seen.split(" ")
        question_id, turn_id, answer_id = words[0], "", ""
        if len(words) == 4:
            turn_id, answer_id = words[2], words[3]
        if session.turn is not None and session.turn.turn_id == turn_id:
            raise TurnInProgress(turn_id=turn_id)
        store, journal = self._sessions.store, self._sessions.journal
        ids = (await store.get(session.name, [f"m:{answer_id}", f"m:{question_id}"])).ids
        answered = await journal.message_at(session.name, int(ids[0])) if ids[0] else None
        if answered is not None:
            return Done(session, _replayed(answered, turn_id))
        asked = await journal.message_at(session.name, int(ids[1])) if ids[1] else None
        if asked is not None:
            question.text, question.id = asked["content"], question_id
        return None


class _Question:
    """The wording that counts: as sent, or as stored when it is asked again."""

    __slots__ = ("id", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.id: str | None = None


def _replayed(message: dict[str, Any], turn_id: str) -> dict[str, Any]:
    result = {"turn_id": turn_id, "message_id": message["id"]}
    if message["role"] == "assistant":
        suggestions = message.get("suggestions") or []
        return {
            **result,
            "verdict": "replay",
            "answer": message["content"],
            "suggestions": suggestions,
        }
    return {**result, "verdict": "notice", "notice": message["content"]}


def _ticket(done: Done, question: str, *, now: float) -> dict[str, Any]:
    session = done.session
    return {
        "session_name": session.name,
        "sid": session.sid,
        "vip": session.profile.vip,
        "epoch": session.epoch,
        "conversation_id": session.conversation_id,
        "language": session.language,
        "status": session.status,
        "timestamp": now,
        "message": question,
        **done.result,
    }
