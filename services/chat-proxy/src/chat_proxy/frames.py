"""The frames of a chat stream, each one `data:` line of JSON (`api.md`, "Core chat")."""

from typing import Any

import orjson
from common.contracts.sessions import Ticket

HEARTBEAT = b": hb\n\n"
DONE = b'data: {"type":"done","content":""}\n\n'


def frame(kind: str, **fields: Any) -> bytes:
    """One frame; `kind` is its `type`."""
    return b"data: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"


def delta(text: str) -> bytes:
    return b'data: {"type":"message","content":' + orjson.dumps(text) + b"}\n\n"


def meta(ticket: Ticket, conversation_id: str | None) -> bytes:
    """The first frame; `message_id` is the answer's to come."""
    return frame(
        "meta",
        session_name=ticket.session_name,
        conversation_id=conversation_id,
        turn_id=ticket.turn_id,
        message_id=ticket.message_id,
    )


def status_change(status: str, *, reason: str, timestamp: float) -> bytes:
    return frame("status_change", status=status, reason=reason, timestamp=timestamp)


def error(code: str, text: str) -> bytes:
    """Ends a stream: nothing comes after it."""
    return frame("error", code=code, content=text)
