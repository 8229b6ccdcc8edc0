"""The agents' stream: what the bus says about the whole queue, as frames.

One bus entry makes at most one frame for everybody and one for a single agent. Only the last frame
of an entry carries its id, so that a break between the two repeats one instead of losing one.
"""

from dataclasses import dataclass

import orjson
from common.bus.entry import Entry

from gateway.frames import frame
from gateway.streams import Stream

_ABOUT_AGENTS = frozenset((b"agent.status_changed", b"agent.changed"))
_EXPIRED = b"session.expired"
_MAX_HOLDERS = 50_000


def position_of(entry_id: str) -> int:
    """A bus id as a number that sorts like it; raises ValueError."""
    milliseconds, _, count = entry_id.partition("-")
    return int(milliseconds) << 64 | int(count)


def entry_id_of(position: int) -> str:
    return f"{position >> 64}-{position & (1 << 64) - 1}"


@dataclass(frozen=True, slots=True)
class QueueFrames:
    """`special` is for the agent `special_for`, in place of `general`."""

    general: bytes = b""
    special: bytes = b""
    special_for: str = ""

    def to(self, agent_id: str) -> bytes:
        return self.special if self.special and agent_id == self.special_for else self.general


class Holders:
    """Which agent holds a session, as far as summaries that passed here have told."""

    def __init__(self) -> None:
        self._agent_of: dict[bytes, str] = {}

    def learn(self, session: bytes, agent_id: str | None) -> None:
        if agent_id is None:
            self._agent_of.pop(session, None)
            return
        if len(self._agent_of) >= _MAX_HOLDERS:
            self._agent_of.pop(next(iter(self._agent_of)))
        self._agent_of[session] = agent_id

    def of(self, session: bytes) -> str:
        return self._agent_of.get(session, "")


def frames_of(entry: Entry, holders: Holders) -> QueueFrames | None:
    """The frames of one bus entry, or None where agents need not hear of it."""
    fields, kind = entry.fields, entry.fields[b"type"]
    entry_id = entry.id.encode()
    if kind in _ABOUT_AGENTS:
        card = orjson.loads(fields[b"data"])["agent"]
        data = orjson.dumps({"type": "agent_status", "agent": card})
        return QueueFrames(general=frame(b"agent_status", data, entry_id))
    session, summary = fields[b"subject"], fields.get(b"summary")
    if kind == _EXPIRED:
        holders.learn(session, None)
        data = b'{"type":"session_expired","session_name":"%b"}' % session
        return QueueFrames(general=frame(b"session_expired", data, entry_id))
    if summary is not None:
        holders.learn(session, _assigned(summary))
    special = _special(kind, fields[b"data"], session) if b"frame" in fields else None
    holder = _target(kind, fields[b"data"], holders.of(session))
    if not holder:
        special = None
    if summary is None:
        if special is None:
            return None
        return QueueFrames(special=frame(*special, entry_id), special_for=holder)
    event = b"session_created" if kind == b"session.created" else b"session_updated"
    data = b'{"type":"%b","session":%b}' % (event, summary)
    general = frame(event, data, entry_id)
    if special is None:
        return QueueFrames(general=general)
    both = frame(event, data) + frame(*special, entry_id)
    return QueueFrames(general=general, special=both, special_for=holder)


def _assigned(summary: bytes) -> str | None:
    agent = orjson.loads(summary).get("assigned_agent")
    return str(agent["id"]) if agent else None


def _special(kind: bytes, data: bytes, session: bytes) -> tuple[bytes, bytes] | None:
    """Event name and data for the agent whose session it is."""
    if kind == b"message.added":
        return b"message_added", _retyped(data, b"message_added", session)
    if kind == b"session.status_changed" and _is_transfer(data):
        return b"transfer", _retyped(data, b"transfer", session)
    return None


def _target(kind: bytes, data: bytes, holder: str) -> str:
    if kind == b"session.status_changed" and _is_transfer(data):
        return str((orjson.loads(data).get("agent_info") or {}).get("id", ""))
    return holder


def _is_transfer(data: bytes) -> bool:
    return data.count(b'"manual_live"') == 2


def _retyped(data: bytes, kind: bytes, session: bytes) -> bytes:
    """`{"seq":7,"type":"manual_message",…}` as this stream's own frame, naming its session."""
    seq_part, _, rest = data.partition(b",")
    after_type = rest.partition(b",")[2]
    head = b'{"type":"%b","session_name":"%b",%b' % (kind, session, seq_part[1:])
    return b"%b,%b" % (head, after_type) if after_type else head + b"}"


class Queue:
    """The open agents' streams of this process."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self._holders = Holders()

    def join(self, stream: Stream) -> None:
        self.streams.append(stream)

    def leave(self, stream: Stream) -> None:
        self.streams.remove(stream)

    def deliver(self, entry: Entry, now: float) -> None:
        frames = frames_of(entry, self._holders)
        if frames is None:
            return
        position = position_of(entry.id)
        for stream in self.streams:
            chunk = frames.to(stream.agent.sub if stream.agent else "")
            if chunk:
                stream.active_at = now
                stream.outlet.offer(position, chunk)
