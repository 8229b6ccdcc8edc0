"""A new conversation at Coze for a session: `new`, `create` (its old name) and `clear`."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from common.app import authorize, context, plain, wiring
from common.contracts.chat import ConversationCreate, ConversationNew
from common.contracts.sessions import ConversationCheck, ConversationSet, SessionRef
from common.errors import SessionForbidden
from common.security.caller import Caller
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from chat_proxy import texts
from chat_proxy.coze.faults import CozeError
from chat_proxy.errors import AiUnavailable
from chat_proxy.routes.stream import session_headers
from chat_proxy.wiring import Wiring

router = APIRouter()

W = Annotated[Wiring, Depends(wiring)]
Who = Annotated[Caller, Depends(authorize)]

# All attempts together; below the gateway's deadline of 60 s for these calls.
_COZE_SECONDS = 45.0


@router.post("/api/conversation/new")
async def new(body: ConversationNew, wired: W, caller: Who, request: Request) -> Response:
    language = _language(body.language, request)
    ref = await _begin_anew(wired, caller, body.session_id, language=language, clear=False)
    return _answer(ref, {})


@router.post("/api/conversation/create")
async def create(body: ConversationCreate, wired: W, caller: Who, request: Request) -> Response:
    language = _language(body.language, request)
    ref = await _begin_anew(wired, caller, body.user_id, language=language, clear=False)
    return _answer(ref, {})


@router.post("/api/conversation/clear")
async def clear(body: ConversationNew, wired: W, caller: Who, request: Request) -> Response:
    language = _language(body.language, request)
    ref = await _begin_anew(wired, caller, body.session_id, language=language, clear=True)
    spoken = ref.language or language or caller.language
    return _answer(ref, {"message": texts.in_language(texts.CLEARED, spoken)})


def _language(asked: str | None, request: Request) -> str | None:
    """Of a session that is made now; one that exists keeps its own. A header's is a guess."""
    found = context(request.scope)
    return asked or (found.language if b"accept-language" in found.headers else None)


async def _begin_anew(
    wired: Wiring, caller: Caller, name: str | None, *, language: str | None, clear: bool
) -> SessionRef:
    """May they? — made at Coze — set. Coze down: 503, and nothing was changed."""
    visitor = caller.visitor
    if visitor is not None and name not in (None, visitor.sub):
        raise SessionForbidden
    sid = visitor.sid if visitor else None
    allowed = await wired.sessions.check_conversation(
        ConversationCheck(session_name=visitor.sub if visitor else name, sid=sid)
    )
    try:
        async with asyncio.timeout(_COZE_SECONDS):
            made = await wired.assistant.new_conversation(allowed.session_name)
    except (CozeError, TimeoutError) as error:
        raise AiUnavailable from error
    return await wired.sessions.set_conversation(
        ConversationSet(
            session_name=allowed.session_name,
            sid=sid,
            conversation_id=made,
            clear=clear,
            vip=visitor.vip if visitor else False,
            shop=(visitor.shop if visitor else "") or caller.shop,
            language=language,
        )
    )


def _answer(ref: SessionRef, more: Mapping[str, str]) -> Response:
    headers = session_headers(ref.session_name, ref.sid, vip=ref.vip)
    return plain(
        {"success": True, "conversation_id": ref.conversation_id, **more},
        headers={name.decode(): value.decode() for name, value in headers},
    )
