"""From one bus reader to every open stream: a dict look-up, one encoding, one write a reader.

An entry of a session that nobody watches here costs the look-up and nothing else.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from common.bus.entry import Entry
from common.clock import Clock
from common.contracts.sessions import LogPage
from common.contracts.visitors import line_for_visitor
from common.events.agents import TokensRevoked
from common.security.tokens import AgentClaims

from gateway.agent_queue import Queue
from gateway.errors import GatewayFull, TokenRevoked
from gateway.frames import control, frame
from gateway.streams import Pace, Stream
from gateway.wheel import Wheel

_DEACTIVATED = b"agent.removed"
_EXPIRED = b"session.expired"
_SID8 = b"sid8"


class Room:
    """The open streams of one session. `prefix` is what its event ids begin with."""

    __slots__ = ("acted_at", "name", "prefix", "seq", "sid8", "status", "streams")

    def __init__(self, name: str) -> None:
        self.name = name
        self.streams: list[Stream] = []
        self.prefix: bytes | None = None
        self.sid8 = b""
        self.status = ""
        self.seq = 0
        self.acted_at = 0.0

    def know(self, *, generation: str, sid: str, seq: int, status: str) -> None:
        """What the session's log said when a stream was opened."""
        prefix = f"{generation}-{sid[:8]}-".encode()
        if self.prefix is not None and self.prefix != prefix:
            # others here still follow the log that was there before
            self.resync("recreated")
        self.sid8, self.prefix = sid[:8].encode(), prefix
        self._is_now(seq, status)

    def chunk(self, seq: int, data: bytes) -> bytes:
        """The frame of a log entry, whose data names its type right after its seq."""
        event_id = b"%b%d" % (self.prefix or b"", seq)
        return frame(data.split(b'"', 6)[5], data, event_id)

    def deliver(self, fields: Mapping[bytes, bytes], now: float) -> None:
        """One entry of this session, to each stream what its reader may see."""
        if self.prefix is None:
            # a stream is just being opened; what passes now is in the log it is going to read
            for stream in self.streams:
                stream.outlet.fall_behind()
            return
        if fields.get(_SID8, self.sid8) != self.sid8:
            self.resync("recreated")
            return
        seq, line = int(fields[b"seq"]), fields[b"data"]
        for_agents = self.chunk(seq, line)
        for_visitors = b""
        if fields.get(b"audience") == b"va":
            shown = line_for_visitor(line)
            for_visitors = for_agents if shown is line else self.chunk(seq, shown)
        self._is_now(seq, fields.get(b"status", b"").decode())
        for stream in self.streams:
            stream.active_at = now
            stream.outlet.offer(seq, for_visitors if stream.is_visitors else for_agents)

    def _is_now(self, seq: int, status: str) -> None:
        # the tail may still be behind what the log told
        if seq >= self.seq and status:
            self.seq, self.status = seq, status

    def resync(self, reason: str) -> None:
        """The session is not the one these streams were opened on."""
        for stream in self.streams:
            stream.outlet.end(control("resync", reason=reason))


class Fanout:
    """All open streams of this process. `is_revoked` knows of a revocation before `on_revoked`."""

    def __init__(
        self,
        clock: Clock,
        *,
        is_revoked: Callable[[AgentClaims], bool],
        pace: Pace,
        places: int,
        reserved: int,
    ) -> None:
        self._clock = clock
        self._is_revoked = is_revoked
        self._pace = pace
        self._places = places
        self._reserved = reserved
        self._taken = 0
        self._rooms: dict[bytes, Room] = {}
        self._by_id: dict[str, Stream] = {}
        self._by_agent: dict[str, set[Stream]] = {}
        self.queue = Queue()
        self.wheel = Wheel(clock)
        self.draining = False

    # --- opening and closing -----------------------------------------------------------
    @contextmanager
    def place(self, *, for_agent: bool) -> Iterator[None]:
        """A place of this gateway; some are kept for agents. Raises GatewayFull."""
        free = self._places - self._taken - (0 if for_agent else self._reserved)
        if free <= 0 or self.draining:
            raise GatewayFull(retry_after=random.randint(2, 8))
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    @contextmanager
    def watching(self, stream: Stream) -> Iterator[Room]:
        """Hear a session's entries from now on."""
        with self._known(stream):
            key = stream.session.encode()
            room = self._rooms.setdefault(key, Room(stream.session))
            room.streams.append(stream)
            try:
                yield room
            finally:
                room.streams.remove(stream)
                if not room.streams:
                    self._rooms.pop(key, None)

    def enter(self, stream: Stream, page: LogPage) -> None:
        """The log was read: from here on the bus's entries make frames."""
        self._rooms[stream.session.encode()].know(
            generation=page.generation, sid=page.sid, seq=page.newest_seq, status=page.status
        )

    @contextmanager
    def watching_queue(self, stream: Stream) -> Iterator[None]:
        """Hear what concerns all agents from now on."""
        with self._known(stream):
            self.queue.join(stream)
            try:
                yield
            finally:
                self.queue.leave(stream)

    @contextmanager
    def _known(self, stream: Stream) -> Iterator[None]:
        # the guard looked before the limits were asked: one that came between would be missed
        if stream.agent is not None and self._is_revoked(stream.agent):
            raise TokenRevoked
        self._by_id[stream.id] = stream
        if stream.agent is not None:
            self._by_agent.setdefault(stream.agent.sub, set()).add(stream)
        try:
            yield
        finally:
            stream.left = True
            del self._by_id[stream.id]
            if stream.agent is not None:
                mine = self._by_agent[stream.agent.sub]
                mine.discard(stream)
                if not mine:
                    del self._by_agent[stream.agent.sub]

    def keep_time(self, stream: Stream, room: Room | None) -> None:
        """Heartbeats, idle closing and the token's end, from now on."""

        def beat(now: float) -> float | None:
            if room is not None:
                stream.active_at = max(stream.active_at, room.acted_at)
            may_idle = stream.is_visitors and room is not None
            status = room.status if may_idle and room is not None else None
            return stream.beat(now, pace=self._pace, status=status)

        following = beat(self._clock())
        if following is not None:
            self.wheel.at(following, beat)

    # --- what comes in -----------------------------------------------------------------
    def on_entry(self, entry: Entry) -> None:
        """Called by the bus reader for every entry there is."""
        fields = entry.fields
        room = self._rooms.get(fields[b"subject"])
        if room is not None:
            if b"frame" in fields:
                room.deliver(fields, self._clock())
            elif fields[b"type"] == _EXPIRED:
                room.resync("expired")
        if self.queue.streams:
            self.queue.deliver(entry, self._clock())
        if fields[b"type"] == _DEACTIVATED:
            self._kick(fields[b"subject"].decode(), "deactivated")

    def on_live(self, kind: str, subject: str, data: dict[str, Any]) -> None:
        """What may be lost: typing, queue positions, a stream that gave way."""
        if kind == "replaced":
            stream = self._by_id.get(str(data.get("stream_id", "")))
            if stream is not None:
                stream.outlet.end(control("replaced"))
            return
        room = self._rooms.get(subject.encode())
        if room is None or kind not in ("typing", "queue_position"):
            return
        to_agents = kind == "typing" and data.get("role") == "user"
        data_line = orjson.dumps({**data, "type": kind})
        chunk = frame(kind.encode(), data_line)
        now = self._clock()
        for one in room.streams:
            if (one.agent is not None) == to_agents:
                one.offer_passing(chunk, now)

    def on_revoked(self, event: TokensRevoked) -> None:
        """Streams of dead tokens end: `kicked` on the agents' stream, `reauth` elsewhere."""
        changed = event.reason.startswith(("role", "account_changed"))
        for stream in list(self._by_agent.get(event.agent_id, ())):
            if stream.agent is None or not self._is_revoked(stream.agent):
                continue
            kicked = not stream.session and not changed
            last = control("kicked", reason=event.reason) if kicked else control("reauth")
            stream.outlet.end(last)

    def acted(self, session: str) -> None:
        """A call of this session's visitor: its streams are not idle."""
        room = self._rooms.get(session.encode())
        if room is not None:
            room.acted_at = self._clock()

    def resync_all(self, reason: str) -> None:
        """Redis was flushed or restored: what clients believe may be wrong."""
        for stream in list(self._by_id.values()):
            retry = random.randint(200, 3000)
            stream.outlet.end(control("resync", reason=reason, retry_ms=retry))

    def drain(self, *, spread_seconds: float) -> None:
        """End every stream with a `drain` frame and spread their return."""
        self.draining = True
        for stream in list(self._by_id.values()):
            retry = random.randint(500, 500 + int(spread_seconds * 1000))
            stream.outlet.end(control("drain", retry_ms=retry))

    def _kick(self, agent_id: str, reason: str) -> None:
        for stream in list(self._by_agent.get(agent_id, ())):
            queue = not stream.session
            stream.outlet.end(control("kicked", reason=reason) if queue else control("reauth"))

    # --- what others ask ---------------------------------------------------------------
    def leased(self) -> list[Stream]:
        """Streams that hold a lease among their visitor's three."""
        return [s for s in self._by_id.values() if s.lease]

    def visitors(self) -> set[str]:
        return {s.session for s in self._by_id.values() if s.agent is None}

    def agents(self) -> set[str]:
        return set(self._by_agent)

    def end_replaced(self, stream: Stream) -> None:
        stream.outlet.end(control("replaced"))

    @property
    def open_streams(self) -> int:
        return self._taken
