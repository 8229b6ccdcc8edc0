"""Every endpoint of the simulator: which path does what, and whose token may call it."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from dev.simulator.chat import RefusedChatError, owned, workflow_chat
from dev.simulator.control import CONTROL
from dev.simulator.coze import Coze
from dev.simulator.doors import TOKEN_INVALID, play_doors, refuse_json
from dev.simulator.ledger import Conversation
from dev.simulator.oauth import RefusedError, duration_of
from dev.wire import Exchange, Handler

TOKEN_PATH = "/api/permission/oauth2/token"
BOT_PREFIX = "/v1/bots/"
PAGE_LIMIT = 50

Owned = Callable[[Coze, Exchange, str], Awaitable[None]]


def handler(coze: Coze) -> Handler:
    """The door of the simulator: looks the path up and answers."""

    async def handle(exchange: Exchange) -> None:
        request = exchange.request
        if control := CONTROL.get((request.method, request.path)):
            await control(coze, exchange)
        elif (request.method, request.path) == ("POST", TOKEN_PATH):
            await _token(coze, exchange)
        elif found := _endpoint(request.method, request.path):
            await _with_grant(coze, exchange, at=found[0], endpoint=found[1])
        else:
            await refuse_json(exchange, 4200, msg="no such path", status=404)

    return handle


async def _token(coze: Coze, exchange: Exchange) -> None:
    """The OAuth JWT app: an assertion in the Authorization header becomes a token."""
    request = exchange.request
    try:
        duration = duration_of(request.json())
        session = coze.office.session_of(request.bearer, audience=request.headers.get("host", ""))
    except ValueError:
        await exchange.answer_json(
            RefusedError("invalid_request", "the body is not JSON").body(), status=400
        )
        return
    except RefusedError as refused:
        coze.calls.count("token_refused", "")
        await exchange.answer_json(refused.body(), status=refused.status)
        return
    called = coze.armoury.take("token", session)
    coze.calls.note("token", session, faults=[fault.name for fault in called])
    if await play_doors(coze, exchange, called=called, session=session):
        return
    names = {fault.name: fault.value() for fault in called}
    token = coze.office.issue(
        session, duration_seconds=duration, lives_seconds=names.get("token_short")
    )
    if "expires_relative" in names:
        token["expires_in"] = duration
    await exchange.answer_json(token)


async def _with_grant(coze: Coze, exchange: Exchange, *, at: str, endpoint: Owned) -> None:
    """The session comes from the token and from nowhere else."""
    grant = coze.office.grant(exchange.request.bearer)
    if grant is None:
        coze.calls.count("unauthorized", "")
        await refuse_json(exchange, TOKEN_INVALID, status=401)
        return
    if at == "chat":
        await workflow_chat(coze, exchange, session=grant.session)
        return
    called = coze.armoury.take(at, grant.session)
    coze.calls.note(at, grant.session, query=exchange.request.query)
    if await play_doors(coze, exchange, called=called, session=grant.session):
        return
    try:
        await endpoint(coze, exchange, grant.session)
    except RefusedChatError as refused:
        await refuse_json(exchange, refused.code, msg=refused.msg)
    except ValueError as error:
        await refuse_json(exchange, 4000, msg=f"Request parameter error: {error}")


async def _succeed(exchange: Exchange, data: Any, **beside: Any) -> None:
    detail = {"logid": exchange.logid}
    await exchange.answer_json({"code": 0, "msg": "", "data": data, "detail": detail, **beside})


async def _create_conversation(coze: Coze, exchange: Exchange, session: str) -> None:
    body = exchange.request.json()
    conversation = coze.ledger.open(session, at=coze.second)
    conversation.name = str(body.get("name") or "")
    conversation.meta_data = body.get("meta_data") or {}
    for message in body.get("messages") or []:
        coze.ledger.say(
            conversation,
            "",
            role=str(message.get("role") or "user"),
            kind=str(message.get("type") or "question"),
            text=str(message.get("content") or ""),
            at=coze.second,
        )
    await _succeed(exchange, conversation.payload())


async def _retrieve_conversation(coze: Coze, exchange: Exchange, session: str) -> None:
    wanted = exchange.request.query.get("conversation_id", "")
    await _succeed(exchange, owned(coze, wanted, session=session).payload())


async def _messages(coze: Coze, exchange: Exchange, session: str) -> None:
    """A page of the history; `after_id` and `before_id` count along the chosen order."""
    body = exchange.request.json()
    wanted = str(exchange.request.query.get("conversation_id", ""))
    conversation = owned(coze, wanted, session=session)
    limit = int(body.get("limit") or PAGE_LIMIT)
    if not 1 <= limit <= PAGE_LIMIT:
        raise ValueError("limit must be 1 to 50")
    listed = _listed(conversation, body)
    page = listed[:limit]
    await _succeed(
        exchange,
        page,
        first_id=page[0]["id"] if page else "",
        last_id=page[-1]["id"] if page else "",
        has_more=len(listed) > limit,
    )


def _listed(conversation: Conversation, body: dict[str, Any]) -> list[dict[str, Any]]:
    said = conversation.said if body.get("order") == "asc" else conversation.said[::-1]
    ids = [message.id for message in said]
    if (after := body.get("after_id")) in ids:
        said = said[ids.index(after) + 1 :]
    elif (before := body.get("before_id")) in ids:
        said = said[: ids.index(before)]
    chat_id = body.get("chat_id")
    return [
        {
            **asdict(message),
            "conversation_id": conversation.id,
            "section_id": conversation.section_id,
            "content_type": "text",
            "meta_data": {},
            "bot_id": "",
            "updated_at": message.created_at,
        }
        for message in said
        if not chat_id or message.chat_id == chat_id
    ]


async def _retrieve_chat(coze: Coze, exchange: Exchange, session: str) -> None:
    query = {**exchange.request.json(), **exchange.request.query}
    conversation = owned(coze, str(query.get("conversation_id")), session=session)
    chat = conversation.chats.get(str(query.get("chat_id")))
    if chat is None:
        raise RefusedChatError(4200)
    await _succeed(exchange, chat.payload())


async def _cancel_chat(coze: Coze, exchange: Exchange, session: str) -> None:
    body = exchange.request.json()
    conversation = owned(coze, str(body.get("conversation_id")), session=session)
    chat = conversation.chats.get(str(body.get("chat_id")))
    if chat is None:
        raise RefusedChatError(4200)
    if not chat.running:
        raise RefusedChatError(4104)
    chat.status = "canceled"
    coze.calls.count("canceled", session)
    await _succeed(exchange, chat.payload())


async def _bot(_coze: Coze, exchange: Exchange, _session: str) -> None:
    path = exchange.request.path
    bot_id = path.removeprefix(BOT_PREFIX) if path.startswith(BOT_PREFIX) else ""
    bot_id = bot_id or exchange.request.query.get("bot_id", "")
    if not bot_id:
        raise ValueError("bot_id is required")
    onboarding = {
        "prologue": "您好！我是 Fiido 的智能客服。Hello, I'm Fiido's assistant.",
        "suggested_questions": ["What is the battery range?", "我的订单到哪里了？"],
    }
    await _succeed(
        exchange,
        {
            "bot_id": bot_id,
            "name": "Fiido",
            "description": "E-bike shop assistant (simulated)",
            "icon_url": "",
            "onboarding_info": onboarding,
        },
    )


async def _chat(coze: Coze, exchange: Exchange, session: str) -> None:
    await workflow_chat(coze, exchange, session=session)


ENDPOINTS: dict[tuple[str, str], tuple[str, Owned]] = {
    ("POST", "/v1/conversation/create"): ("conversation", _create_conversation),
    ("GET", "/v1/conversation/retrieve"): ("conversation", _retrieve_conversation),
    ("POST", "/v1/workflows/chat"): ("chat", _chat),
    ("POST", "/v1/conversation/message/list"): ("history", _messages),
    ("GET", "/v1/conversation/message/list"): ("history", _messages),
    ("GET", "/v3/chat/retrieve"): ("retrieve", _retrieve_chat),
    ("POST", "/v3/chat/retrieve"): ("retrieve", _retrieve_chat),
    ("POST", "/v3/chat/cancel"): ("cancel", _cancel_chat),
    ("GET", "/v1/bot/get_online_info"): ("bot", _bot),
}


def _endpoint(method: str, path: str) -> tuple[str, Owned] | None:
    if method == "GET" and path.startswith(BOT_PREFIX):
        return ("bot", _bot)
    return ENDPOINTS.get((method, path))
