"""The shift in force: the settings' own, or the one an admin put in its place."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson
from common.redis import Keys, RedisClient

from session_state.shifts import BadShift, Shift

_LOOK_AGAIN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class DutyNow:
    """Whether people are on duty, until when, and when they begin next."""

    is_open: bool
    ends_at: float | None
    next_open_at: float | None


class Duty:
    """Every replica refreshes it each second, so a change is felt within one."""

    def __init__(self, redis: RedisClient, keys: Keys, default: Shift) -> None:
        self._redis = redis
        self._keys = keys
        self._default = default
        self.shift = default
        self._known: tuple[float, float, DutyNow] | None = None
        self._replaced = 0

    async def refresh(self) -> bool:
        """Read the shift in force; True when it is another one than before."""
        replaced = self._replaced
        raw = await self._redis.hget(self._keys.shift(), "config")
        if self._replaced != replaced:
            return False  # what was read may be older than what was put in its place meanwhile
        shift = self._default if raw is None else _shift(raw, self._default)
        if shift == self.shift:
            return False
        self.shift, self._known = shift, None
        return True

    async def replace(self, shift: Shift, *, by: str, at: float) -> None:
        """Put another shift in force."""
        config = orjson.dumps(shift)
        fields: dict[str, str | bytes | int | float] = {"config": config, "by": by, "at": at}
        await self._redis.hset(self._keys.shift(), fields)
        self._replaced += 1
        self.shift, self._known = shift, None

    def now(self, now: float) -> DutyNow:
        """The duty at this instant; worked out once a span, for it is asked at every turn."""
        if self._known is not None:
            since, until, known = self._known
            if since <= now < until:
                return known
        is_open = self.shift.is_open(now)
        ends_at = self.shift.ends_at(now) if is_open else None
        next_open_at = self.shift.next_open_at(now)
        duty = DutyNow(is_open, ends_at, next_open_at)
        change = ends_at if is_open else next_open_at
        until = now + _LOOK_AGAIN_SECONDS if change is None else change
        self._known = (now, until, duty)
        return duty

    def day(self, now: float) -> str:
        """The shop's own day, for counters."""
        return datetime.fromtimestamp(now, ZoneInfo(self.shift.timezone)).date().isoformat()


def _shift(raw: bytes, default: Shift) -> Shift:
    """A stored shift; one that a newer release wrote and this one can't read is passed over."""
    try:
        fields = orjson.loads(raw)
        return Shift(
            start=fields["start"],
            end=fields["end"],
            timezone=fields["timezone"],
            weekends_disabled=fields["weekends_disabled"],
            holidays=tuple(fields["holidays"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, BadShift):
        return default
