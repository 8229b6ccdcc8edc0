"""`POST /api/chat` and `/api/chat/stream`: bare ASGI, because all the traffic is here."""

import asyncio
from collections.abc import Mapping
from typing import Any

from common.app import (
    Receive,
    RequestContext,
    Scope,
    Send,
    authorize_scope,
    context,
    read_json,
    send_json,
)
from common.app.connection import connection_of
from common.contracts.chat import ChatRequest
from common.contracts.sessions import OpenTurn, Ticket
from common.errors import ServiceError, SessionForbidden, Unavailable, UnsupportedMediaType
from common.security.caller import Caller

from chat_proxy import frames
from chat_proxy.errors import AiUnavailable, ManualInProgress, TurnLost
from chat_proxy.routes.stream import EventStream, session_headers
from chat_proxy.turn import Listener, Outcome, Silence
from chat_proxy.turns import failed_text, lost_text
from chat_proxy.wiring import Wiring

_SILENCED = ("pending_manual", "manual_live")


async def chat_stream(scope: Scope, receive: Receive, send: Send) -> None:
    """SSE; everything that can be refused is refused before the first byte."""
    wired: Wiring = scope["app"].state.wiring
    found, request, ask = await _read(scope, receive, wired)
    with wired.roster.watching(ask.session_name) as watch:
        ticket = await wired.sessions.open_turn(ask)
        found.session_name = ticket.session_name
        stream = EventStream(
            send,
            connection_of(found.receive),
            deadline_seconds=wired.settings.send_deadline_seconds,
        )
        await stream.open(ticket)
        if ticket.verdict == "answer":
            turn = wired.turns.begin(ticket, watch, stream, _allowed(wired, request.parameters))
            await asyncio.wait((turn.ended,))
        else:
            _write_known(stream, ticket)
        await stream.close()


async def chat(scope: Scope, receive: Receive, send: Send) -> None:
    """The whole answer as JSON."""
    wired: Wiring = scope["app"].state.wiring
    found, request, ask = await _read(scope, receive, wired)
    with wired.roster.watching(ask.session_name) as watch:
        ticket = await wired.sessions.open_turn(ask)
        found.session_name = ticket.session_name
        headers = session_headers(ticket.session_name, ticket.sid, vip=ticket.vip)
        if ticket.verdict != "answer":
            await send_json(send, _known(ticket), headers=headers)
            return
        turn = wired.turns.begin(ticket, watch, Silence(), _allowed(wired, request.parameters))
        await asyncio.wait((turn.ended,))
    status, body = _whole(ticket, turn.ended.result(), found.request_id)
    await send_json(send, body, status=status, headers=headers)


async def _read(
    scope: Scope, receive: Receive, wired: Wiring
) -> tuple[RequestContext, ChatRequest, OpenTurn]:
    found, caller = context(scope), authorize_scope(scope)
    if wired.draining():
        raise Unavailable(retry_after=1)
    kind = found.headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType
    request = await read_json(receive, ChatRequest, wired.settings.max_body_bytes)
    return found, request, _question(request, caller, found)


def _question(request: ChatRequest, caller: Caller, found: RequestContext) -> OpenTurn:
    """With a visitor's token a sent `conversation_id` is no credential and is ignored."""
    visitor = caller.visitor
    if visitor is not None and request.user_id not in (None, visitor.sub):
        raise SessionForbidden
    # A header's language is a guess, good for a session that has none of its own yet.
    guessed = found.language if b"accept-language" in found.headers and visitor is None else None
    return OpenTurn(
        session_name=visitor.sub if visitor else request.user_id,
        sid=visitor.sid if visitor else None,
        conversation_id=None if visitor else request.conversation_id,
        vip=visitor.vip if visitor else False,
        shop=(visitor.shop if visitor else "") or caller.shop,
        message=request.message,
        client_message_id=request.client_message_id,
        language=request.language or guessed,
        address=caller.address,
    )


def _allowed(wired: Wiring, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    names = wired.settings.allowed_parameters
    return {name: value for name, value in (parameters or {}).items() if name in names}


# --- answers that needed no Coze -----------------------------------------------------------


def _write_known(stream: Listener, ticket: Ticket) -> None:
    """A rule's notice, or the answer stored for the same `client_message_id`."""
    stream.write(frames.meta(ticket, ticket.conversation_id))
    if ticket.verdict == "notice" and ticket.reason:
        stream.write(
            frames.status_change(ticket.status, reason=ticket.reason, timestamp=ticket.timestamp)
        )
    stream.write(frames.delta(_known_text(ticket)))
    if ticket.suggestions:
        stream.write(frames.frame("suggestions", items=ticket.suggestions))
    stream.write(frames.DONE)


def _known(ticket: Ticket) -> dict[str, Any]:
    answer: dict[str, Any] = {"success": True, "message": _known_text(ticket)}
    if ticket.verdict == "notice":
        answer["status"] = ticket.status
    return answer


def _known_text(ticket: Ticket) -> str:
    return (ticket.notice if ticket.verdict == "notice" else ticket.answer) or ""


# --- the whole answer ----------------------------------------------------------------------


def _whole(ticket: Ticket, outcome: Outcome, request_id: str) -> tuple[int, dict[str, Any]]:
    """Never a text that is not the session's: a cut or refused answer is a failure."""
    if outcome.stored and outcome.text:
        return 200, {"success": True, "message": outcome.text}
    if outcome.status in _SILENCED and (outcome.fault is None or not outcome.escalated):
        error: ServiceError = ManualInProgress(status=outcome.status)
        text = error.text(ticket.language)
    elif outcome.fault is None:
        error, text = TurnLost(status=outcome.status), lost_text(ticket.language)
    else:
        error, text = AiUnavailable(status=outcome.status), failed_text(ticket, outcome)
    failure = {"code": error.code, "message": text, "details": error.details}
    return error.status, {"success": False, "error": failure, "request_id": request_id}
