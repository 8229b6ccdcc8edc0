"""The events streams: opening, following and ending one.

    place ─▶ hear the bus ─▶ read the log ─▶ may this reader? ─▶ lease ─▶ head, `ready`
          ─▶ what was missed ─▶ live until the client leaves or the stream is ended

The bus is heard before the log is read, so nothing falls between the two; what comes twice is
told by its position.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

from common.app import Receive, Scope, Send, authorize_scope, context
from common.app.connection import Connection
from common.contracts.sessions import LogPage
from common.ids import new_id
from common.security.caller import Caller

from gateway.agent_queue import entry_id_of
from gateway.errors import NotFound, ServiceError, SessionForbidden
from gateway.fanout import Room
from gateway.frames import control, frame_of
from gateway.outlet import ClientGone, Outlet, Replay, Unreplayable
from gateway.replay import (
    NEWEST,
    EventId,
    SessionLog,
    parse_bus_id,
    parse_event_id,
)
from gateway.streams import Audience, Stream
from gateway.threshold import CONNECTION
from gateway.wiring import Wiring

_HEAD = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]


async def session_events(scope: Scope, receive: Receive, send: Send) -> None:
    """GET /api/sessions/{name}/events"""
    wired: Wiring = scope["app"].state.wiring
    found, caller = context(scope), authorize_scope(scope)
    last = _last_event_id(scope)
    resume = parse_event_id(last) if last else None
    await wired.gate.admit(scope, call_id=new_id())
    stream = _stream(wired, scope, caller, session=found.path_params["name"])
    with (
        wired.fanout.place(for_agent=not stream.is_visitors),
        wired.fanout.watching(stream) as room,
    ):
        audience: Audience = "va" if stream.is_visitors else "a"
        log = SessionLog(wired.session_state, room, audience)
        page = await _first_page(log, caller, resume)
        wired.fanout.enter(stream, page)
        async with _leased(wired, stream):
            await _begin(scope, send, wired)
            await _welcome(stream, room, log, page=page, resume=resume)
            wired.fanout.keep_time(stream, room)
            await _follow(scope, receive, send, stream=stream, replay=log.replay)


async def agent_events(scope: Scope, receive: Receive, send: Send) -> None:
    """GET /api/agent/events"""
    wired: Wiring = scope["app"].state.wiring
    caller = authorize_scope(scope)
    agent = caller.require_agent()
    last = _last_event_id(scope)
    resume = parse_bus_id(last) if last else None
    await wired.gate.admit(scope, call_id=new_id())
    stream = _stream(wired, scope, caller, session="")
    history = wired.bus_history(agent.sub)
    with wired.fanout.place(for_agent=True), wired.fanout.watching_queue(stream):
        newest = await history.newest()
        reachable = resume is not None and await history.reaches(resume)
        await _begin(scope, send, wired)
        await _welcome_agent(stream, resume=resume, reachable=reachable, newest=newest)
        wired.fanout.keep_time(stream, None)
        await _follow(scope, receive, send, stream=stream, replay=history.replay)


# --- opening -------------------------------------------------------------------------------


def _last_event_id(scope: Scope) -> str:
    """The header, which browsers send by themselves, or the query of a first connection."""
    for name, value in scope["headers"]:
        if name == b"last-event-id":
            return str(value.decode("latin-1")).strip()
    query: dict[str, list[str]] = parse_qs(scope["query_string"].decode("latin-1"))
    return query.get("last_event_id", [""])[0]


def _stream(wired: Wiring, scope: Scope, caller: Caller, *, session: str) -> Stream:
    settings = wired.settings
    agent = caller.agent if caller.kind == "agent" else None
    claims = agent or caller.visitor
    if claims is None:
        raise SessionForbidden
    outlet = Outlet(
        scope[CONNECTION],
        contiguous=bool(session),
        queue=settings.stream_queue,
        send_deadline_seconds=settings.send_deadline_seconds,
    )
    now = wired.clock()
    return Stream(new_id(), outlet, agent, float(claims.exp), now, session=session)


async def _first_page(log: SessionLog, caller: Caller, resume: EventId | None) -> LogPage:
    """What the log says now, after the resume point; raises what fits the caller."""
    try:
        page = await log.page(NEWEST if resume is None else resume.seq)
    except NotFound:
        if caller.kind == "agent":
            raise
        raise SessionForbidden from None
    if caller.kind != "agent" and (caller.visitor is None or caller.visitor.sid != page.sid):
        raise SessionForbidden
    return page


@asynccontextmanager
async def _leased(wired: Wiring, stream: Stream) -> AsyncIterator[None]:
    """Agents have no such limit."""
    if not stream.is_visitors:
        yield
        return
    await wired.leases.take(stream)
    try:
        yield
    finally:
        await wired.leases.release(stream)


async def _begin(scope: Scope, send: Send, wired: Wiring) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(_HEAD)})
    connection: Connection = scope[CONNECTION]
    if not connection.gone:
        connection.bound(wired.settings.stream_send_buffer_bytes)


async def _welcome(
    stream: Stream, room: Room, log: SessionLog, *, page: LogPage, resume: EventId | None
) -> None:
    """`ready`, then `resync` or the first page of what was missed."""
    outlet, newest = stream.outlet, page.newest_seq
    ready = {"type": "ready", "status": page.status, "seq": newest}
    here = b"%b%d" % (room.prefix or b"", newest)
    if resume is None:
        outlet.last = newest
        await outlet.write(frame_of(ready, event_id=here))
        return
    if not resume.is_of(page):
        outlet.last = newest
        await outlet.write(frame_of(ready))
        await outlet.write(frame_of({"type": "resync", "reason": "unknown"}, event_id=here))
        return
    outlet.last = resume.seq
    await outlet.write(frame_of(ready))
    await outlet.write_stored(log.frames(page))
    if not page.complete:
        outlet.fall_behind()


async def _welcome_agent(
    stream: Stream, *, resume: int | None, reachable: bool, newest: int
) -> None:
    outlet = stream.outlet
    here = entry_id_of(newest).encode()
    if resume is not None and reachable:
        outlet.last = resume
        await outlet.write(frame_of({"type": "ready"}))
        outlet.fall_behind()
        return
    outlet.last = newest
    await outlet.write(frame_of({"type": "ready"}, event_id=here))
    if resume is not None:
        await outlet.write(frame_of({"type": "resync", "reason": "unknown"}, event_id=here))


# --- following and ending ------------------------------------------------------------------


async def _follow(
    scope: Scope, receive: Receive, send: Send, *, stream: Stream, replay: Replay
) -> None:
    """Until the client leaves or the stream is ended. This task sleeps while the stream is live:
    the bus reader writes; it is woken to catch up and to end."""
    outlet, connection = stream.outlet, scope[CONNECTION]
    try:
        while outlet.ended is None:
            if outlet.holding:
                await _recover(stream, replay)
                continue
            message = await receive()
            if message["type"] == "http.disconnect":
                return
        await outlet.write(outlet.ended)
        async with asyncio.timeout(outlet.send_deadline_seconds):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except ClientGone:
        return
    except TimeoutError:
        connection.abort()


async def _recover(stream: Stream, replay: Replay) -> None:
    try:
        await stream.outlet.recover(replay)
    except Unreplayable:
        stream.outlet.end(control("resync", reason="gap"))
    except ServiceError:
        # what is missing can't be read now: the client comes back with the id it has
        stream.outlet.end(control("drain", retry_ms=2000))
