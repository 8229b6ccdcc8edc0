"""What a stream missed, read again: a session's from its log, the agents' from the bus."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from common.bus.entry import Entry
from common.clients.session_state import SessionStateClient
from common.contracts.sessions import LogPage
from common.contracts.visitors import line_for_visitor
from common.redis.client import RedisClient
from common.redis.keys import Keys

from gateway.agent_queue import Holders, entry_id_of, frames_of, position_of
from gateway.errors import BadEventId
from gateway.fanout import Room
from gateway.outlet import Unreplayable
from gateway.streams import Audience

_PAGE = 200
NEWEST = 2**53
_SESSION_ID = re.compile(
    r"(?P<generation>[A-Za-z0-9_-]{0,64})-(?P<sid8>[A-Za-z0-9_-]{8})-(?P<seq>\d{1,15})", re.ASCII
)
_BUS_ID = re.compile(r"\d{1,15}-\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class EventId:
    """`<generation>-<sid8>-<seq>`: which log, and how far in it."""

    generation: str
    sid8: str
    seq: int

    def is_of(self, page: LogPage) -> bool:
        """Could this log have given this id?"""
        same = self.generation == page.generation and self.sid8 == page.sid[:8]
        return same and self.seq <= page.newest_seq


def parse_event_id(text: str) -> EventId:
    """Raises BadEventId."""
    found = _SESSION_ID.fullmatch(text)
    if found is None:
        raise BadEventId
    return EventId(found["generation"], found["sid8"], int(found["seq"]))


def parse_bus_id(text: str) -> int:
    """The position of a bus entry; raises BadEventId."""
    if _BUS_ID.fullmatch(text) is None:
        raise BadEventId
    return position_of(text)


class SessionLog:
    """One session's log as a source of frames for one audience."""

    def __init__(self, client: SessionStateClient, room: Room, audience: Audience) -> None:
        self._client = client
        self._room = room
        self._audience = audience

    async def page(self, after: int) -> LogPage:
        return await self._client.log(
            self._room.name, after=after, limit=_PAGE, audience=self._audience
        )

    def frames(self, page: LogPage) -> list[tuple[int, bytes]]:
        """The page's frames; a complete one ends with how far it accounts for the log."""
        frames = [(e.seq, self._room.chunk(e.seq, self._line(e.data))) for e in page.entries]
        if page.complete:
            frames.append((page.newest_seq, b""))
        return frames

    def _line(self, data: str) -> bytes:
        line = data.encode()
        return line_for_visitor(line) if self._audience == "va" else line

    async def replay(self, after: int) -> AsyncIterator[tuple[int, bytes]]:
        """Everything above `after`. Raises Unreplayable when the log is another one now."""
        while True:
            page = await self.page(after)
            prefix = f"{page.generation}-{page.sid[:8]}-".encode()
            if prefix != self._room.prefix or page.newest_seq < after:
                raise Unreplayable
            for position, chunk in self.frames(page):
                yield position, chunk
            if page.complete:
                return
            after = page.entries[-1].seq if page.entries else after + _PAGE


class BusHistory:
    """The bus as a source of frames for one agent."""

    def __init__(self, redis: RedisClient, keys: Keys, *, agent_id: str, limit: int) -> None:
        self._redis = redis
        self._bus = keys.bus()
        self._agent_id = agent_id
        self._limit = limit

    async def newest(self) -> int:
        """Position of the newest entry; 0 on an empty bus."""
        rows = await self._redis.xrevrange(self._bus, count=1)
        return position_of(rows[0][0]) if rows else 0

    async def reaches(self, position: int) -> bool:
        """Is everything after this position still there, and was the position ever given?"""
        rows = await self._redis.xrange(self._bus, count=1)
        if not rows:
            return False
        # the entry itself must be there: then nothing after it can have been trimmed
        exact = entry_id_of(position)
        return bool(await self._redis.xrange(self._bus, exact, exact, count=1))

    async def replay(self, after: int) -> AsyncIterator[tuple[int, bytes]]:
        """Frames of all entries after a position. Raises Unreplayable beyond `limit` entries."""
        holders, seen = Holders(), 0
        while True:
            rows = await self._redis.xrange(self._bus, f"({entry_id_of(after)}", "+", count=_PAGE)
            for row in rows:
                entry = Entry(*row)
                after = position_of(entry.id)
                frames = frames_of(entry, holders)
                yield after, frames.to(self._agent_id) if frames is not None else b""
            seen += len(rows)
            if len(rows) < _PAGE:
                return
            if seen >= self._limit:
                raise Unreplayable
