"""Sessions in Redis: read with one round trip, written by `session_commit.lua` only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from common.errors import AgentAtCapacity
from common.redis import Keys, RedisClient, load_script
from common.redis import commands as redis_commands

from session_state.decision import SESSION_TIMERS, Decision
from session_state.session import Session, dump, load
from session_state.views import summary_bytes

_HEAD = ("state", "version", "epoch", "seq")
# a severe request stands before all others in the queue
_AHEAD_SECONDS = 1_000_000_000.0


@dataclass(frozen=True, slots=True)
class Found:
    """A session as read, and what its ids say of those asked for."""

    session: Session | None
    ids: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """`first` is the remembered result where the commit id was known already."""

    first: dict[str, Any] | None = None


class Conflict(Exception):
    """Another commit came first: read again and decide again."""


class Store:
    """The interface of SESS-8 for one session: get, save, delete; lists and counts are `Index`.
    Redis unreachable is StateUnavailable, never a guess."""

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._commit = load_script("session_commit")
        self._commit_oom = load_script("session_commit", allow_oom=True)
        self._expire = load_script("session_expire")
        self._lease = load_script("session_lease")
        self._rearm = load_script("session_rearm")

    async def get(self, name: str, ids: Sequence[str] = ()) -> Found:
        """The session, or None, and the values of the wanted ids, in one round trip."""
        head = redis_commands.hmget(self._keys.session(name), _HEAD)
        if not ids:
            return Found(_session(head.read((await self._redis.pipeline([head]))[0])))
        wanted = redis_commands.hmget(self._keys.ids(name), list(ids))
        fields, values = await self._redis.pipeline([head, wanted])
        return Found(_session(fields), tuple(None if v is None else v.decode() for v in values))

    async def save(
        self,
        decision: Decision,
        before: Session,
        *,
        commit_id: str,
        now: float,
        day: str,
        urgent: bool = False,
        traceparent: str = "",
    ) -> Committed:
        """Commit a decision made on `before`. `urgent` commits also when Redis is full. Raises
        Conflict and AgentAtCapacity; the same commit id again answers the first result."""
        reply = await self._redis.run(
            self._commit_oom if urgent else self._commit,
            self._commit_keys(decision, before, day),
            _commit_args(decision, before, commit_id, now, traceparent),
        )
        verdict = reply[0]
        if verdict == b"ok":
            return Committed()
        if verdict == b"known":
            return Committed(first=orjson.loads(reply[1]))
        if verdict == b"capacity":
            raise AgentAtCapacity(held=reply[1])
        raise Conflict

    def _commit_keys(self, decision: Decision, before: Session, day: str) -> list[str]:
        keys, session = self._keys, decision.session
        gains = decision.gains.id if decision.gains else ""
        return [
            keys.session(session.name),
            keys.log(session.name),
            keys.ids(session.name),
            keys.trail(session.name),
            keys.bus(),
            keys.status(before.status),
            keys.status(session.status),
            keys.status("all"),
            keys.due(),
            keys.presence(),
            keys.stats(day),
            keys.load(decision.loses or ""),
            keys.load(gains),
        ]

    async def delete(self, session: Session, *, now: float, event_id: str) -> bool:
        """Remove an idle session and all that is its own; False when it moved meanwhile."""
        keys, name = self._keys, session.name
        removed = await self._redis.run(
            self._expire,
            [
                keys.session(name),
                keys.log(name),
                keys.ids(name),
                keys.trail(name),
                keys.bus(),
                keys.status(session.status),
                keys.status("all"),
                keys.due(),
                keys.presence(),
            ],
            [
                name,
                session.version,
                f"{now:.3f}",
                event_id,
                session.sid,
                orjson.dumps({"session_name": name}),
                *(f"{kind}:{name}" for kind in SESSION_TIMERS),
            ],
        )
        return bool(removed)

    async def renew_lease(self, name: str, turn_id: str, *, until: float) -> bool:
        """A running turn lives on; False when the open turn is another one."""
        renewed = await self._redis.run(
            self._lease,
            [self._keys.session(name), self._keys.due()],
            [turn_id, f"lease:{name}", f"{until:.3f}"],
            confirm=False,
        )
        return bool(renewed)

    async def is_alive(self, name: str) -> float | None:
        """When the visitor was last present."""
        return await self._redis.zscore(self._keys.presence(), name)

    async def trail(self, name: str) -> list[dict[str, Any]]:
        """The session's audit trail, oldest first."""
        lines = await self._redis.lrange(self._keys.trail(name), 0, -1)
        return [orjson.loads(line) for line in lines]

    # --- timers --------------------------------------------------------------------------
    async def due(self, now: float, *, limit: int) -> list[tuple[str, float]]:
        """Timers whose time has come, the oldest first."""
        rows = await self._redis.zrangebyscore_scored(
            self._keys.due(), "-inf", f"{now:.3f}", count=limit
        )
        return [(member.decode(), at) for member, at in rows]

    async def rearm(self, member: str, fired_at: float, *, again_at: float | None) -> None:
        """Put a timer that changed nothing off, or away, unless somebody set it anew."""
        args = [member, repr(fired_at), "" if again_at is None else f"{again_at:.3f}"]
        await self._redis.run(self._rearm, [self._keys.due()], args, confirm=False)


def _session(fields: Sequence[bytes | None]) -> Session | None:
    state, version, epoch, seq = fields
    if state is None or version is None or epoch is None or seq is None:
        return None
    return load(state, version=int(version), epoch=int(epoch), seq=int(seq))


def _score(session: Session) -> float:
    """The queue by the first request's time, everything else by its last change."""
    if session.status != "pending_manual":
        return session.updated_at
    escalation = session.escalation
    if escalation is None:
        return session.updated_at
    ahead = _AHEAD_SECONDS if escalation.severity == "high" else 0.0
    return escalation.trigger_at - ahead


Word = str | bytes | int | float


def _commit_args(
    decision: Decision, before: Session, commit_id: str, now: float, traceparent: str
) -> list[Word]:
    session, at = decision.session, f"{now:.3f}"
    entries, ids = _log_words(decision, before, commit_id)
    for key, value in decision.ids.items():
        ids += (key, value)
    timers: list[Word] = []
    for kind, instant in decision.timers.items():
        timers += (f"{instant:.3f}", f"{kind}:{session.name}")
    args: list[Word] = [
        f"c:{commit_id}",
        before.version,
        session.version,
        before.epoch,
        session.epoch,
        before.seq,
        session.seq,
        session.name,
        session.sid,
        session.sid[:8],
        session.status,
        f"{_score(session):.3f}",
        at,
        dump(session),
        session.turn.turn_id if session.turn else "",
        decision.gains.max_sessions if decision.gains else "",
        "1" if decision.loses else "",
        "1" if _is_seen(decision, before) else "",
        orjson.dumps(decision.result),
        traceparent,
        summary_bytes(session, now=now),
        len(decision.entries),
        len(decision.events),
        len(ids),
        len(decision.steps),
        len(timers),
        len(decision.disarmed),
        len(decision.counters),
        *entries,
        *_event_words(decision, commit_id),
        *ids,
    ]
    args += [orjson.dumps(_trail_line(step)) for step in decision.steps]
    args += timers
    args += [f"{kind}:{session.name}" for kind in decision.disarmed]
    for counter, by in decision.counters.items():
        args += (counter, by)
    return args


def _is_seen(decision: Decision, before: Session) -> bool:
    """Presence only decides who has left the queue; the gateway's reports keep it fresh."""
    return decision.by_visitor and (
        before.version == 0 or decision.session.status == "pending_manual"
    )


def _log_words(
    decision: Decision, before: Session, commit_id: str
) -> tuple[list[Word], list[Word]]:
    """The log entries, and the ids of the messages among them."""
    words: list[Word] = []
    ids: list[Word] = []
    for number, entry in enumerate(decision.entries, start=1):
        event, seq = entry.event, before.seq + number
        payload = {
            "seq": seq,
            "type": entry.frame,
            **event.model_dump(mode="json", exclude_none=True),
        }
        words += (
            f"{seq}-0",
            f"{commit_id}-{number}",
            event.type,
            event.schema_version,
            entry.frame,
            entry.audience,
            orjson.dumps(payload),
            seq,
        )
        if entry.message_id:
            ids += (f"m:{entry.message_id}", seq)
    return words, ids


def _event_words(decision: Decision, commit_id: str) -> list[Word]:
    words: list[Word] = []
    for number, event in enumerate(decision.events, start=len(decision.entries) + 1):
        data = orjson.dumps(event.model_dump(mode="json", exclude_none=True))
        words += (f"{commit_id}-{number}", event.type, event.schema_version, data)
    return words


def _trail_line(step: Any) -> dict[str, Any]:
    return {
        "from": step.before,
        "to": step.after,
        "operator": step.operator,
        "reason": step.reason,
        "note": step.note,
        "timestamp": step.at,
    }
