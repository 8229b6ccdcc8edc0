"""What this product asks of Coze, in the words of Coze's API (`coze.md`)."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chat_proxy.coze.auth import Exchange, OAuthApp, Token, TokenKeeper, expiry
from chat_proxy.coze.calls import Calls
from chat_proxy.coze.decode import Item
from chat_proxy.coze.faults import CozeError, Fault, FaultKind
from chat_proxy.coze.streams import AnswerStreams, OnItems

log = logging.getLogger(__name__)

T = TypeVar("T")

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Workflow:
    """What answers: a published chatflow, of an app where one is named, else of a bot."""

    workflow_id: str
    app_id: str | None = None
    bot_id: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the visitor wants to know, and in which conversation."""

    session_name: str
    conversation_id: str
    text: str
    parameters: Mapping[str, Any]


class CozeClient:
    """One attempt per call; whether to try again is the caller's decision. A token that Coze
    refuses is replaced once, unless something was already handed on."""

    def __init__(
        self, calls: Calls, streams: AnswerStreams, tokens: TokenKeeper, workflow: Workflow
    ) -> None:
        self._calls = calls
        self._streams = streams
        self._tokens = tokens
        self._workflow = workflow

    async def create_conversation(self, session_name: str) -> str:
        """A new conversation that only this session's token may use."""
        reply = await self._authorized(
            session_name,
            lambda bearer: self._calls.post("/v1/conversation/create", bearer, body={}),
        )
        made = reply.get("data")
        conversation_id = made.get("id") if isinstance(made, dict) else None
        if not isinstance(conversation_id, str) or not 0 < len(conversation_id) <= 128:
            raise CozeError(Fault(FaultKind.GARBAGE, detail="conversation without an id"))
        return conversation_id

    async def ask(self, question: Question, on_items: OnItems) -> None:
        """Hands on the answer's items as they come; returns when it is whole."""
        handed_on = False

        def relay(items: Sequence[Item]) -> None:
            nonlocal handed_on
            handed_on = True
            on_items(items)

        body = self._body(question)
        bearer = await self._tokens.token(question.session_name)
        try:
            await self._streams.read(bearer, body, relay)
        except CozeError as error:
            if handed_on or error.fault.kind is not FaultKind.AUTH:
                raise
            bearer = await self._tokens.renewed(question.session_name, bearer)
            await self._streams.read(bearer, body, relay)

    async def cancel(self, session_name: str, conversation_id: str, chat_id: str) -> None:
        """Tell Coze to stop. Best effort: a finished chat (4104) and a dead line are the same."""
        body = {"conversation_id": conversation_id, "chat_id": chat_id}
        try:
            await self._authorized(
                session_name,
                lambda bearer: self._calls.post("/v3/chat/cancel", bearer, body=body),
            )
        except CozeError as error:
            log.info("coze did not cancel", extra={"fault": error.fault.kind.value})

    async def bot(self, bot_id: str, session_name: str) -> dict[str, Any]:
        """Name, icon and welcome of a published bot, as Coze tells them."""
        reply = await self._authorized(
            session_name, lambda bearer: self._calls.get(f"/v1/bots/{bot_id}", bearer)
        )
        bot = reply.get("data")
        return bot if isinstance(bot, dict) else {}

    async def _authorized(self, session_name: str, call: Callable[[str], Awaitable[T]]) -> T:
        bearer = await self._tokens.token(session_name)
        try:
            return await call(bearer)
        except CozeError as error:
            if error.fault.kind is not FaultKind.AUTH:
                raise
        return await call(await self._tokens.renewed(session_name, bearer))

    def _body(self, question: Question) -> dict[str, Any]:
        body: dict[str, Any] = {
            "workflow_id": self._workflow.workflow_id,
            "conversation_id": question.conversation_id,
            "session_name": question.session_name,
            "additional_messages": [
                {
                    "role": "user",
                    "type": "question",
                    "content": question.text,
                    "content_type": "text",
                }
            ],
            # Coze ignores USER_INPUT; workflows of existing deployments may read it.
            "parameters": {**question.parameters, "USER_INPUT": question.text},
        }
        if self._workflow.app_id:
            body["app_id"] = self._workflow.app_id
        elif self._workflow.bot_id:
            body["bot_id"] = self._workflow.bot_id
        return body


def exchange_of(
    calls: Calls,
    app: OAuthApp,
    *,
    seconds: int,
    now: Callable[[], float],
    new_id: Callable[[], str],
) -> Exchange:
    """How a session's token is got from Coze: a freshly signed JWT for each."""

    async def exchange(session_name: str) -> Token:
        reply = await calls.post(
            "/api/permission/oauth2/token",
            app.sign(session_name, now=now(), jti=new_id()),
            body={"duration_seconds": seconds, "grant_type": _GRANT, "scope": None},
        )
        value, expires_in = reply.get("access_token"), reply.get("expires_in")
        if not isinstance(value, str) or not value or not isinstance(expires_in, int | float):
            raise CozeError(Fault(FaultKind.AUTH, detail="reply without a token"))
        return Token(value, expiry(expires_in, now=now()))

    return exchange
