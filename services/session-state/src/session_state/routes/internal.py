"""What the other services ask: leases, conversations, log pages, presence."""

from typing import Literal

from common.app import plain
from common.contracts.sessions import (
    BindConversation,
    ConversationCheck,
    ConversationSet,
    Paths,
    RenewLease,
    Seen,
)
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from session_state.routes.doors import Name, W, trace

router = APIRouter()


@router.post(Paths.LEASE)
async def renew_lease(body: RenewLease, wired: W) -> Response:
    await wired.conversations.renew_lease(body)
    return Response(status_code=204)


@router.post(Paths.BIND)
async def bind(body: BindConversation, wired: W, request: Request) -> Response:
    trace(request, body.session_name)
    return plain({"conversation_id": await wired.conversations.bind(body)})


@router.post(Paths.CONVERSATION_CHECK)
async def check(body: ConversationCheck, wired: W) -> Response:
    return plain(await wired.conversations.check(body))


@router.post(Paths.CONVERSATION_SET)
async def set_conversation(body: ConversationSet, wired: W, request: Request) -> Response:
    traceparent = trace(request, body.session_name)
    return plain(await wired.conversations.renew(body, traceparent=traceparent))


@router.get(Paths.LOG)
async def log_page(
    name: Name,
    wired: W,
    after: int = Query(default=0, ge=0),
    limit: int = Query(default=500, ge=1, le=5000),
    audience: Literal["va", "a"] = "va",
) -> Response:
    return plain(await wired.streams.page(name, after=after, limit=limit, audience=audience))


@router.post(Paths.PRESENCE)
async def seen(body: Seen, wired: W) -> Response:
    await wired.streams.saw(body.sessions, now=wired.sessions.clock())
    return Response(status_code=204)
