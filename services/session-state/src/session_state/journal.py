"""A session's log, read: messages for people, pages for streams."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import orjson
from common.contracts.sessions import LogEntry
from common.redis import Keys, RedisClient, StreamRow

_MESSAGE_FRAMES = (b"message_added", b"manual_message")
_CHUNK = 200


class Journal:
    """Reads only; the commit writes. Entry ids are `<seq>-0`."""

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def newest(
        self, name: str, *, limit: int, before: int | None = None, above: int = 0
    ) -> list[dict[str, Any]]:
        """At most `limit` messages with above < seq < before, the newest ones, oldest first."""
        key = self._keys.log(name)
        high = "+" if before is None else f"({before}-0"
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            count = max(_CHUNK, limit)
            rows = await self._redis.xrevrange(key, high, f"({above}-0", count=count)
            found.extend(_messages(rows))
            if len(rows) < count:
                break
            high = f"({rows[-1][0]}"
        return found[:limit][::-1]

    async def following(self, name: str, *, after: int, limit: int) -> list[dict[str, Any]]:
        """At most `limit` messages with seq > after, oldest first."""
        key, low = self._keys.log(name), f"({after}-0"
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            count = max(_CHUNK, limit)
            rows = await self._redis.xrange(key, low, "+", count=count)
            found.extend(_messages(rows))
            if len(rows) < count:
                break
            low = f"({rows[-1][0]}"
        return found[:limit]

    async def message_at(self, name: str, seq: int) -> dict[str, Any] | None:
        """The message with this seq."""
        rows = await self._redis.xrange(self._keys.log(name), f"{seq}-0", f"{seq}-0")
        return next(_messages(rows), None)

    async def unread_after(self, name: str, seq: int) -> int:
        """How many of the visitor's messages stand after seq."""
        later = await self.following(name, after=seq, limit=1000)
        return sum(1 for message in later if message["role"] == "user")

    async def page(
        self, name: str, *, after: int, limit: int, audience: Literal["va", "a"]
    ) -> tuple[list[LogEntry], int, bool]:
        """Entries with seq > after that this audience may see, how far the log was read, and
        whether that was its end."""
        rows = await self._redis.xrange(self._keys.log(name), f"({after}-0", "+", count=limit + 1)
        entries = [_entry(row) for row in rows[:limit]]
        read_to = entries[-1].seq if entries else after
        if audience == "va":
            entries = [entry for entry in entries if entry.audience == "va"]
        return entries, read_to, len(rows) <= limit


def _messages(rows: Sequence[StreamRow]) -> Iterator[dict[str, Any]]:
    for _, fields in rows:
        if fields[b"type"] in _MESSAGE_FRAMES:
            yield _message(orjson.loads(fields[b"data"]))


def _message(data: dict[str, Any]) -> dict[str, Any]:
    """`Message` of the contract from a log entry's data."""
    message = {
        "id": data["message_id"],
        "seq": data["seq"],
        "role": data["role"],
        "content": data["content"],
        "timestamp": data["timestamp"],
    }
    for key in (
        "agent_id",
        "agent_name",
        "client_message_id",
        "notice",
        "suggestions",
        "stopped",
    ):
        if key in data:
            message[key] = data[key]
    return message


def _entry(row: StreamRow) -> LogEntry:
    entry_id, fields = row
    return LogEntry(
        seq=int(entry_id.partition("-")[0]),
        type=fields[b"type"].decode(),
        at=float(fields[b"at"]),
        audience="a" if fields[b"audience"] == b"a" else "va",
        data=fields[b"data"].decode(),
    )
