"""What visitors do beside talking: typing, reading, rating, saying who they are."""

from common.app import ok, plain
from common.contracts.sessions import Identify, Rating, ReadMark, Transcript
from fastapi import APIRouter, Request
from starlette.responses import Response

from session_state.access import opened
from session_state.commands import Rate, SendTranscript
from session_state.profiles import identification
from session_state.routes.doors import Name, W, Who, token_headers, trace

router = APIRouter(prefix="/api/sessions")


@router.post("/{name}/typing")
async def typing(name: Name, wired: W, caller: Who, request: Request) -> Response:
    trace(request, name)
    await wired.desk.typing(name, caller)
    return Response(status_code=204)


@router.post("/{name}/read")
async def read(name: Name, body: ReadMark, wired: W, caller: Who, request: Request) -> Response:
    trace(request, name)
    done = await wired.desk.mark_read(name, caller, body.seq)
    session = done.session
    if caller.kind == "agent":
        return ok({"seq": session.read_by_agent, "unread": session.unread})
    return ok({"seq": session.read_by_visitor})


@router.post("/{name}/rating")
async def rating(name: Name, body: Rating, wired: W, caller: Who, request: Request) -> Response:
    trace(request, name)
    await wired.desk.do(name, caller, Rate(body.score, body.comment))
    return ok({"score": body.score})


@router.post("/{name}/identify")
async def identify(name: Name, body: Identify, wired: W, caller: Who, request: Request) -> Response:
    trace(request, name)
    session = opened((await wired.sessions.store.get(name)).session, caller, name)
    command = identification(
        body, session_name=name, shop=session.shop, secrets=wired.settings.secrets_of_shops()
    )
    done = await wired.desk.do(name, caller, command)
    # a new token where the claim that limits go by has changed
    is_new = done.session.profile.vip != session.profile.vip
    headers = token_headers(done.session) if is_new else None
    answer = {
        "success": True,
        "data": await wired.desk.show(done.session, caller),
        "not_taken": command.not_taken,
    }
    return plain(answer, headers=headers)


@router.post("/{name}/transcript")
async def transcript(
    name: Name, body: Transcript, wired: W, caller: Who, request: Request
) -> Response:
    trace(request, name)
    await wired.desk.do(name, caller, SendTranscript(body.email, body.language, body.timezone))
    return ok({"queued": True})
