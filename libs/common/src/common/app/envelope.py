"""The one shape of answers, for FastAPI routes and bare ASGI alike.

{"success": true, "data": …}
{"success": false, "error": {"code", "message", "details"?}, "request_id"}
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.responses import Response

from common.app.context import Scope, context
from common.errors import MethodNotAllowed, ServiceError

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
RawHeaders = Iterable[tuple[bytes, bytes]]

log = logging.getLogger(__name__)

# details of failures between services
_OURS = frozenset(("service", "reason", "upstream_status"))
_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")


def dump(value: Any) -> bytes:
    """JSON bytes of models, dataclasses, and plain values; absent optionals are left out."""
    return orjson.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(type(value).__name__)


def ok(data: Any = None, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`return ok(model)` from a FastAPI route: the success envelope."""
    return plain({"success": True, "data": data}, status=status, headers=headers)


def plain(data: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON without envelope: the frozen chat shapes, and answers to other services."""
    # what belongs to one visitor or agent must stay in no cache on the way
    said = {"cache-control": "no-store", **(headers or {})}
    return Response(dump(data), status, said, media_type="application/json")


async def send_json(send: Send, body: Any, *, status: int = 200, headers: RawHeaders = ()) -> None:
    """Answer from bare ASGI; `body` is JSON bytes already, or anything `dump` takes."""
    raw = body if isinstance(body, bytes) else dump(body)
    length = (b"content-length", str(len(raw)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [_JSON, length, _NO_STORE, *headers],
        }
    )
    await send({"type": "http.response.body", "body": raw})


def error_body(error: ServiceError, *, request_id: str, language: str) -> bytes:
    failure: dict[str, Any] = {"code": error.code, "message": error.text(language)}
    details = _for_callers(error)
    if details:
        failure["details"] = details
    envelope = {"success": False, "error": failure, "request_id": request_id}
    # a failure must always get out, whatever somebody put into its details
    return orjson.dumps(envelope, default=str, option=orjson.OPT_NON_STR_KEYS)


def _for_callers(error: ServiceError) -> dict[str, Any]:
    """Which of our services failed, and how, is for the log: callers can do nothing about it."""
    if error.status < 500 or not _OURS.intersection(error.details):
        return error.details
    log.warning("not available", extra={"code": error.code, "details": error.details})
    return {key: value for key, value in error.details.items() if key not in _OURS}


def error_headers(error: ServiceError) -> list[tuple[bytes, bytes]]:
    """What HTTP itself wants to say along with some failures."""
    headers: list[tuple[bytes, bytes]] = []
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if error.status in (429, 503) and "retry_after" in error.details:
        seconds = max(1, -int(-float(error.details["retry_after"]) // 1))
        headers.append((b"retry-after", str(seconds).encode()))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.details.get("allow", [])).encode()))
    return headers


async def send_error(send: Send, error: ServiceError, *, request_id: str, language: str) -> None:
    """The failure envelope from bare ASGI."""
    body = error_body(error, request_id=request_id, language=language)
    await send_json(send, body, status=error.status, headers=error_headers(error))


def error_response(error: ServiceError, scope: Scope) -> Response:
    """The failure envelope as FastAPI's exception handlers return it."""
    found = context(scope)
    body = error_body(error, request_id=found.request_id, language=found.language)
    response = Response(body, error.status, media_type="application/json")
    response.raw_headers.extend([_NO_STORE, *error_headers(error)])
    return response
