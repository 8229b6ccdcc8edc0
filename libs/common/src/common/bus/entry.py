"""One entry of the bus as its readers see it; the fields are described in `common.events.base`."""

from collections.abc import Mapping
from typing import NamedTuple

from common.events.base import Event, decode


class Entry(NamedTuple):
    """The entry's id on the bus and its flat fields, undecoded."""

    id: str
    fields: Mapping[bytes, bytes]

    @property
    def type(self) -> str:
        return self.text(b"type")

    @property
    def subject(self) -> str:
        """The session's name, or the agent's id."""
        return self.text(b"subject")

    @property
    def event_id(self) -> str:
        """The idempotency key of whoever applies the event; not the entry's id."""
        return self.text(b"id")

    @property
    def seq(self) -> int | None:
        return self._number(b"seq")

    @property
    def epoch(self) -> int | None:
        return self._number(b"epoch")

    @property
    def data(self) -> bytes:
        """The payload as it was written; for a log entry, the SSE data line byte for byte."""
        return self.fields.get(b"data", b"")

    def text(self, field: bytes) -> str:
        """The field, or an empty string."""
        return self.fields.get(field, b"").decode(errors="replace")

    def event(self) -> Event:
        """The decoded event; raises `Undecodable`."""
        return decode(self.fields)

    def _number(self, field: bytes) -> int | None:
        digits = self.fields.get(field, b"")
        return int(digits) if digits.isdigit() else None
