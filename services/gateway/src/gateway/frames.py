"""SSE frames as the bytes of one HTTP chunk, encoded once and shared by all who get them."""

from typing import Any

import orjson
from common.app.connection import chunk

from gateway.errors import ServiceError

HEARTBEAT = b"6\r\n: hb\n\n\r\n"


def frame(event: bytes, data: bytes, event_id: bytes | None = None) -> bytes:
    """One event; `data` is a single line of JSON."""
    if event_id is None:
        return chunk(b"event: %b\ndata: %b\n\n" % (event, data))
    return chunk(b"id: %b\nevent: %b\ndata: %b\n\n" % (event_id, event, data))


def frame_of(fields: dict[str, Any], *, event_id: bytes | None = None) -> bytes:
    """A frame of the gateway's own; its event is the type."""
    return frame(fields["type"].encode(), orjson.dumps(fields), event_id)


def control(kind: str, *, retry_ms: int | None = None, **fields: Any) -> bytes:
    """A frame about the stream itself: no id, so a client resumes from before it."""
    data = orjson.dumps({"type": kind, **fields})
    retry = b"" if retry_ms is None else b"retry: %d\n" % retry_ms
    return chunk(b"%bevent: %b\ndata: %b\n\n" % (retry, kind.encode(), data))


def chat_error(error: ServiceError, language: str) -> bytes:
    """The last frame of a chat stream that broke, in the frozen shape of chat frames."""
    data = orjson.dumps({"type": "error", "code": error.code, "content": error.text(language)})
    return b"data: %b\n\n" % data
