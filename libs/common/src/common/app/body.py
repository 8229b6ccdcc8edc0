"""Reading request bodies: capped, in time, and as JSON that is really JSON."""

import asyncio
from collections.abc import MutableMapping
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from common.app.envelope import Receive
from common.errors import BadJson, BadRequest, BodyTooLarge, ServiceError, ValidationFailed

# 64 KB on any line that is worth talking over takes seconds; slower is an attack.
_READ_SECONDS = 20.0

M = TypeVar("M", bound=BaseModel)


async def read_body(receive: Receive, *, limit: int = 65_536) -> bytes:
    """The whole body; raises BodyTooLarge, ClientDisconnect, BadRequest when too slow."""
    try:
        async with asyncio.timeout(_READ_SECONDS):
            return await _collect(receive, limit)
    except TimeoutError:
        raise BadRequest(reason="body too slow") from None


async def _collect(receive: Receive, limit: int) -> bytes:
    message = await receive()
    # nearly always there is one chunk
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLarge
        return body
    chunks = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks += message.get("body", b"")
        if len(chunks) > limit:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return bytes(chunks)
        message = await receive()


async def read_json(receive: Receive, model: type[M], limit: int = 65_536) -> M:
    """The body as a model, for bare ASGI routes; raises BadJson or ValidationFailed."""
    return parse_json(await read_body(receive, limit=limit), model)


def parse_json(body: bytes, model: type[M]) -> M:
    try:
        return model.model_validate(loads(body))
    except ValidationError as error:
        raise validation_failed(error.errors(include_url=False, include_input=False)) from None


def loads(body: bytes) -> Any:
    """Strict JSON: no NaN, no lone surrogates, no endless nesting; raises BadJson."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadJson from None


def validation_failed(errors: Any) -> ServiceError:
    """422 with `details.fields`: where, which rule, why; never what was sent."""
    fields = []
    for error in errors:
        location = [str(part) for part in error["loc"]]
        if location and location[0] in ("body", "query", "path", "header"):
            location = location[1:] or location
        fields.append(
            {
                # an unknown field's name is the caller's own text
                "field": ".".join(location)[:100],
                "rule": error["type"],
                "message": error["msg"].removeprefix("Value error, ")[:300],
            }
        )
    return ValidationFailed(fields=fields[:50])


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body read before, then what really comes."""
    given = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def capped(receive: Receive, limit: int) -> Receive:
    """A `receive` that raises BodyTooLarge once more than `limit` bytes came."""
    count = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > limit:
            raise BodyTooLarge
        return message

    return counted
