"""Sessions by status: lists, counts and statistics, none of which looks at every session."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from common.redis import STATUSES, Command, Keys, RedisClient
from common.redis import commands as redis_commands

from session_state.session import Session, load
from session_state.views import summary

# filters look at the newest of the chosen status only (flows.md, "Bus")
WINDOW = 1000
_QUEUE_HEAD = 200
_CHUNK = 100
_NICKNAME = re.compile(rb'"nickname":("(?:[^"\\]|\\.)*")')
_HEAD = ("state", "version", "epoch", "seq")


MayFit = Callable[[str, bytes], bool]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a list should hold."""

    statuses: tuple[str, ...] = ()
    agent: str | None = None
    reason: str | None = None
    vip: bool | None = None
    q: str | None = None
    since: float | None = None
    until: float | None = None
    sort: str | None = None
    limit: int = 50
    offset: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether an index has it in this order already."""
        filters = (self.agent, self.reason, self.vip, self.q, self.since, self.until, self.sort)
        return len(self.statuses) <= 1 and all(wish is None for wish in filters)


SORTS: dict[str, tuple[Callable[[Session], Any], bool]] = {
    "updated_at": (lambda s: s.updated_at, False),
    "-updated_at": (lambda s: s.updated_at, True),
    "created_at": (lambda s: s.created_at, False),
    "-created_at": (lambda s: s.created_at, True),
    "waiting": (lambda s: s.waiting_since or float("inf"), False),
    "-waiting": (lambda s: s.waiting_since or 0.0, True),
    "unread": (lambda s: s.unread, False),
    "-unread": (lambda s: s.unread, True),
}


class Index:
    """Reads the zsets that the commit keeps."""

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def page(self, wish: Wish, *, now: float) -> dict[str, Any]:
        """Summaries with `total, limit, offset, has_more`. The queue comes in its own order, all
        else the last changed first."""
        if wish.is_plain:
            sessions, total = await self._indexed(wish)
        else:
            found = [s for s in await self._window(wish) if _fits(s, wish)]
            key, reverse = SORTS[wish.sort or "-updated_at"]
            if wish.sort or wish.statuses != ("pending_manual",):
                found.sort(key=key, reverse=reverse)
            total = len(found)
            sessions = found[wish.offset : wish.offset + wish.limit]
        return {
            "sessions": [summary(session, now=now) for session in sessions],
            "total": total,
            "limit": wish.limit,
            "offset": wish.offset,
            "has_more": wish.offset + len(sessions) < total,
        }

    async def _indexed(self, wish: Wish) -> tuple[list[Session], int]:
        status = wish.statuses[0] if wish.statuses else "all"
        key, last = self._keys.status(status), wish.offset + wish.limit - 1
        page = redis_commands.zrange if status == "pending_manual" else redis_commands.zrevrange
        names, total = await self._redis.pipeline(
            [page(key, wish.offset, last), redis_commands.zcard(key)]
        )
        return await self.load(names), total

    async def _window(self, wish: Wish) -> list[Session]:
        if wish.agent is not None:
            held = await self._redis.smembers(self._keys.load(wish.agent))
            return await self.load(held, may_fit=_may_fit(wish))
        wanted = [self._window_of(status) for status in wish.statuses or ("all",)]
        names = [name for part in await self._redis.pipeline(wanted) for name in part]
        return await self.load(names, may_fit=_may_fit(wish))

    def _window_of(self, status: str) -> Command[list[bytes]]:
        key = self._keys.status(status)
        if status == "pending_manual":
            return redis_commands.zrange(key, 0, WINDOW - 1)
        return redis_commands.zrevrange(key, 0, WINDOW - 1)

    async def load(
        self, names: Sequence[bytes | str], *, may_fit: MayFit | None = None
    ) -> list[Session]:
        """The sessions of these names in this order, those gone meanwhile left out, a chunk at a
        time: a thousand at once would hold up every turn for a tenth of a second. A state that
        can't fit is not even unpacked."""
        sessions: list[Session] = []
        texts = [name.decode() if isinstance(name, bytes) else name for name in names]
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            wanted = [redis_commands.hmget(self._keys.session(name), _HEAD) for name in chunk]
            sessions += [
                load(row[0], version=int(row[1]), epoch=int(row[2]), seq=int(row[3]))
                for name, row in zip(chunk, await self._redis.pipeline(wanted), strict=True)
                if row[0] is not None and (may_fit is None or may_fit(name, row[0]))
            ]
        return sessions

    async def waiting(self) -> list[str]:
        """The head of the queue in its order."""
        names = await self._redis.zrange(self._keys.status("pending_manual"), 0, _QUEUE_HEAD - 1)
        return [name.decode() for name in names]

    async def count_by_status(self) -> dict[str, int]:
        counts = await self._redis.pipeline(
            [redis_commands.zcard(self._keys.status(status)) for status in STATUSES]
        )
        return dict(zip(STATUSES, counts, strict=True))

    async def total(self) -> int:
        return await self._redis.zcard(self._keys.status("all"))

    async def counters(self, day: str) -> dict[str, int]:
        """What was counted on a day of the shop."""
        fields = await self._redis.hgetall(self._keys.stats(day))
        return {name.decode(): int(value) for name, value in fields.items()}

    async def reschedule(self, status: str, kind: str, *, at: float) -> None:
        """Set a timer of all sessions in this status anew, a thousand at a time."""
        start = 0
        while names := await self._redis.zrange(
            self._keys.status(status), start, start + WINDOW - 1
        ):
            timers = {f"{kind}:{name.decode()}": at for name in names}
            await self._redis.zadd(self._keys.due(), timers)
            start += WINDOW


def _may_fit(wish: Wish) -> MayFit:
    """A cheap look at the stored JSON that is never wrong when it says no."""
    marks: list[bytes] = []
    if wish.vip is not None:
        marks.append(b'"vip":true' if wish.vip else b'"vip":false')
    if wish.reason is not None:
        marks.append(b'"reason":' + orjson.dumps(wish.reason))
    q = wish.q.strip().casefold() if wish.q is not None else None

    def may_fit(name: str, state: bytes) -> bool:
        if not all(mark in state for mark in marks):
            return False
        return q is None or q in name.casefold() or q in _nickname(state)

    return may_fit


def _nickname(state: bytes) -> str:
    found = _NICKNAME.search(state)
    return "" if found is None else str(orjson.loads(found.group(1))).casefold()


def _fits(session: Session, wish: Wish) -> bool:
    if wish.statuses and session.status not in wish.statuses:
        return False
    if wish.agent is not None and (session.agent is None or session.agent.id != wish.agent):
        return False
    escalation = session.escalation
    if wish.reason is not None and (escalation is None or escalation.reason != wish.reason):
        return False
    if wish.vip is not None and session.profile.vip != wish.vip:
        return False
    if wish.since is not None and session.updated_at < wish.since:
        return False
    if wish.until is not None and session.updated_at > wish.until:
        return False
    return wish.q is None or _matches(session, wish.q)


def _matches(session: Session, q: str) -> bool:
    wanted = q.strip().casefold()
    return wanted in session.name.casefold() or wanted in session.profile.nickname.casefold()
