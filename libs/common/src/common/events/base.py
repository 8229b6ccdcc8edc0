"""The shape of a bus entry: CloudEvents attribute names on flat stream fields, JSON in `data`.

A bus entry's fields:

    id           the event's id, the idempotency key of whoever applies it
    type         `message.added`, …: names the class
    source       the service that published it
    subject      the session's name, or the agent's id
    time         UTC seconds, a float
    version      of the payload; changes are additive, so readers ignore what they do not know
    traceparent  W3C, optional
    data         the payload as JSON

An entry that `session_commit.lua` wrote also carries

    seq          the session's sequence number, where the entry is in the session's log
    frame        its SSE event name (`message_added`, `status_change`, …), where it is in the log
    audience     `va` (visitor and agents) or `a` (agents only), where it is in the log
    sid8         first eight characters of the session's sid
    epoch        the session's epoch after the commit
    status       the session's status after the commit
    summary      SessionSummary as JSON, on the last entry of a commit only

and its `data` is byte for byte the SSE `data:` of the frame, beginning with `{"seq":<n>,`.
Source of the attribute names: CloudEvents 1.0, https://cloudevents.io.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError


class Event(BaseModel):
    """Frozen payload of one kind of event; strict to write (unknown fields refused by mypy and
    by `model_fields`), lenient to read (unknown fields ignored)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    schema_version: ClassVar[int] = 1
    frame: ClassVar[str | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _REGISTRY[cls.type] = cls

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The payload of an entry of this type; raises `Undecodable`."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise Undecodable(cls.type) from error


class Undecodable(Exception):
    """An entry that can never be read: unknown type or a payload that breaks its schema."""


_REGISTRY: dict[str, type[Event]] = {}


def registered() -> dict[str, type[Event]]:
    """Type → class of every event declared, a copy."""
    return dict(_REGISTRY)


def encode(
    event: Event,
    *,
    event_id: str,
    source: str,
    subject: str,
    time: float,
    traceparent: str | None = None,
) -> dict[str, bytes]:
    """The flat stream fields of an event that is not in a session's log."""
    fields = {
        "id": event_id.encode(),
        "type": event.type.encode(),
        "source": source.encode(),
        "subject": subject.encode(),
        "time": f"{time:.3f}".encode(),
        "version": str(event.schema_version).encode(),
        "data": orjson.dumps(event.model_dump(mode="json", exclude_none=True)),
    }
    if traceparent:
        fields["traceparent"] = traceparent.encode()
    return fields


def decode(fields: Mapping[bytes, bytes]) -> Event:
    """The event in a bus entry; raises `Undecodable`."""
    cls = _REGISTRY.get(fields.get(b"type", b"").decode(errors="replace"))
    if cls is None:
        raise Undecodable(repr(fields.get(b"type")))
    return cls.read(fields.get(b"data", b""))
