"""The widget's configuration, health, metrics and documents."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

from common.app import Receive, Scope, Send, send_json
from common.ids import new_id
from common.metrics import CONTENT_TYPE

from gateway import documents
from gateway.errors import ServiceError
from gateway.shops import DEFAULT
from gateway.wiring import Wiring


async def config(scope: Scope, _receive: Receive, send: Send) -> None:
    """GET /api/config"""
    wired = await _admitted(scope)
    query = parse_qs(scope["query_string"].decode("latin-1"))
    shop = wired.shops.find(query.get("shop", [""])[0]) or wired.shops.find(DEFAULT.id) or DEFAULT
    settings = wired.settings
    data = {
        "shop": shop.model_dump(mode="json", exclude={"origins"}, exclude_none=True),
        "features": settings.features(),
        "limits": {
            "max_message_chars": settings.max_message_chars,
            "streams": settings.streams_per_visitor,
            "chats": settings.chats_per_visitor,
        },
        "languages": shop.languages or settings.language_list(),
        "shift": await _shift(wired),
    }
    await send_json(send, {"success": True, "data": data})


async def health(scope: Scope, _receive: Receive, send: Send) -> None:
    """GET /api/health: its own frozen shape, without the envelope."""
    wired: Wiring = scope["app"].state.wiring
    body = await wired.health.brief()
    await send_json(send, body, status=200 if body["status"] == "healthy" else 503)


async def detailed_health(scope: Scope, _receive: Receive, send: Send) -> None:
    """GET /api/health/detailed"""
    wired = await _admitted(scope)
    await send_json(send, {"success": True, "data": await wired.health.detailed()})


async def metrics(scope: Scope, _receive: Receive, send: Send) -> None:
    """GET /api/metrics"""
    await _admitted(scope)
    body = scope["app"].state.chassis.metrics.render()
    await _send(send, body, CONTENT_TYPE.encode())


async def openapi(_scope: Scope, _receive: Receive, send: Send) -> None:
    """GET /api/openapi.json"""
    # made at the first call, by a thread: every stream would stand still meanwhile
    await send_json(send, await asyncio.to_thread(documents.openapi))


async def docs(_scope: Scope, _receive: Receive, send: Send) -> None:
    """GET /api/docs: a page of our own; nothing is fetched from elsewhere."""
    policy = (b"content-security-policy", documents.page_policy().encode())
    page = await asyncio.to_thread(documents.page)
    await _send(send, page.encode(), b"text/html; charset=utf-8", policy)


async def _admitted(scope: Scope) -> Wiring:
    wired: Wiring = scope["app"].state.wiring
    await wired.gate.admit(scope, call_id=new_id())
    return wired


async def _shift(wired: Wiring) -> dict[str, Any] | None:
    """What the widget shows of the opening hours; nothing where it can't be known now."""
    try:
        status = await wired.shift.current()
    except ServiceError:
        return None
    wanted = ("is_in_shift", "next_open_at", "timezone", "shift_start", "shift_end")
    return {key: status.get(key) for key in wanted if key in status}


async def _send(send: Send, body: bytes, kind: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *more,
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
