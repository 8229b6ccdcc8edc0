"""Asking for a person, waiting, and talking to one."""

from common.app import ok, plain
from common.contracts.sessions import Cancel as CancelBody
from common.contracts.sessions import Escalate, PostMessage
from fastapi import APIRouter, Request
from starlette.responses import Response

from session_state.commands import Cancel
from session_state.routes.doors import W, Who, token_headers, trace

router = APIRouter(prefix="/api/manual")


@router.post("/escalate")
async def escalate(body: Escalate, wired: W, caller: Who, request: Request) -> Response:
    traceparent = trace(request, body.session_name)
    done = await wired.desk.escalate(body, caller, traceparent=traceparent)
    answer = {
        "success": True,
        "data": await wired.desk.show(done.session, caller),
        "is_in_shift": wired.duty.now(wired.sessions.clock()).is_open,
        "email_queued": done.mailed,
    }
    is_anew = caller.visitor is not None and caller.visitor.sid != done.session.sid
    return plain(answer, headers=token_headers(done.session) if is_anew else None)


@router.post("/cancel")
async def cancel(body: CancelBody, wired: W, caller: Who, request: Request) -> Response:
    traceparent = trace(request, body.session_name)
    done = await wired.desk.do(body.session_name, caller, Cancel(), traceparent=traceparent)
    return ok(await wired.desk.show(done.session, caller))


@router.post("/messages")
async def post_message(body: PostMessage, wired: W, caller: Who, request: Request) -> Response:
    traceparent = trace(request, body.session_name)
    done = await wired.desk.say(body, caller, traceparent=traceparent)
    return ok({key: done.result[key] for key in ("message_id", "timestamp")})
