"""Sessions as agents see and serve them."""

from typing import Annotated

from common.app import ok
from common.contracts.sessions import Block as BlockBody
from common.contracts.sessions import Reason
from common.contracts.sessions import Takeover as TakeoverBody
from common.contracts.sessions import Transfer as TransferBody
from common.errors import ValidationFailed
from common.events.agents import AuditRecorded
from common.redis import STATUSES
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from session_state.commands import Block, Close, Command, Release, Requeue
from session_state.index import SORTS, Wish
from session_state.routes.doors import Name, W, Who, trace
from session_state.wiring import Wiring

router = APIRouter(prefix="/api/sessions")
Words = Annotated[str | None, Query(max_length=128)]
Instant = Annotated[float | None, Query(ge=0, le=1e11, allow_inf_nan=False)]


@router.get("")
async def list_sessions(  # noqa: PLR0913, PLR0917 - one parameter a filter of api.md
    wired: W,
    caller: Who,  # noqa: ARG001 - the guard has let them in
    status: Words = None,
    agent: Words = None,
    reason: Words = None,
    vip: bool | None = None,
    q: Words = None,
    since: Instant = None,
    until: Instant = None,
    sort: Words = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    wish = Wish(
        statuses=_statuses(status),
        agent=agent or None,
        reason=reason or None,
        vip=vip,
        q=(q or "").strip() or None,
        since=since,
        until=until,
        sort=_sort(sort),
        limit=limit,
        offset=offset,
    )
    return ok(await wired.index.page(wish, now=wired.sessions.clock()))


def _statuses(text: str | None) -> tuple[str, ...]:
    """One status, or several with commas."""
    statuses = tuple(dict.fromkeys(part for part in (text or "").split(",") if part))
    if not set(statuses) <= set(STATUSES):
        raise _bad("status", f"one of {', '.join(STATUSES)}")
    return statuses


def _sort(text: str | None) -> str | None:
    if text and text not in SORTS:
        raise _bad("sort", f"one of {', '.join(SORTS)}")
    return text or None


def _bad(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(fields=[{"field": field, "rule": "enum", "message": message}])


@router.get("/stats")
async def stats(wired: W, caller: Who) -> Response:  # noqa: ARG001
    return ok(await wired.statistics.of(wired.sessions.clock()))


@router.get("/{name}")
async def show(name: Name, wired: W, caller: Who, request: Request) -> Response:
    trace(request, name)
    return ok(await wired.desk.session(name, caller))


@router.get("/{name}/messages")
async def messages(
    name: Name,
    wired: W,
    caller: Who,
    after: Words = None,
    before: Words = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Response:
    page = await wired.desk.messages(name, caller, after=after, before=before, limit=limit)
    return ok(page)


@router.post("/{name}/takeover")
async def takeover(
    name: Name, wired: W, caller: Who, request: Request, body: TakeoverBody | None = None
) -> Response:
    traceparent = trace(request, name)
    done = await wired.desk.takeover(name, caller, reason=_reason(body), traceparent=traceparent)
    return ok(await wired.desk.show(done.session, caller))


@router.post("/{name}/transfer")
async def transfer(
    name: Name, body: TransferBody, wired: W, caller: Who, request: Request
) -> Response:
    trace(request, name)
    done = await wired.desk.transfer(
        name, caller, to_agent_id=body.to_agent_id, reason=body.reason or ""
    )
    return ok(await wired.desk.show(done.session, caller))


@router.post("/{name}/release")
async def release(
    name: Name, wired: W, caller: Who, request: Request, body: Reason | None = None
) -> Response:
    command = Release(await wired.desk.actor(caller), _reason(body))
    return await _do(wired, name, caller, request, command)


@router.post("/{name}/requeue")
async def requeue(
    name: Name, wired: W, caller: Who, request: Request, body: Reason | None = None
) -> Response:
    command = Requeue(await wired.desk.actor(caller), reason=_reason(body))
    return await _do(wired, name, caller, request, command)


@router.post("/{name}/close")
async def close(
    name: Name, wired: W, caller: Who, request: Request, body: Reason | None = None
) -> Response:
    command = Close(await wired.desk.actor(caller), _reason(body))
    return await _do(wired, name, caller, request, command)


@router.post("/{name}/block")
async def block(name: Name, body: BlockBody, wired: W, caller: Who, request: Request) -> Response:
    actor = await wired.desk.actor(caller)
    answer = await _do(wired, name, caller, request, Block(actor, body.reason))
    await wired.publisher.publish(
        AuditRecorded(
            actor=actor.id,
            action="session.blocked",
            target=name,
            outcome="ok",
            address=caller.address,
            at=wired.sessions.clock(),
            details={"reason": body.reason},
        ),
        subject=name,
    )
    return answer


def _reason(body: Reason | TakeoverBody | None) -> str:
    return (body.reason or "") if body else ""


async def _do(
    wired: Wiring, name: str, caller: Who, request: Request, command: Command
) -> Response:
    traceparent = trace(request, name)
    done = await wired.desk.do(name, caller, command, traceparent=traceparent)
    return ok(await wired.desk.show(done.session, caller))
