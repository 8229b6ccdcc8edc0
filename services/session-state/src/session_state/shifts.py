"""When people are on duty: spans of local time, weekends, holidays; answers are instants."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_CLOCK = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")
_HORIZON_DAYS = 400  # a shift that does not open within a year and a month never opens


class BadShift(ValueError):
    """A shift that cannot be; `field` is the setting at fault."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


@dataclass(frozen=True, slots=True)
class Shift:
    """One span a day in a zone. An end at or before the start is the next day's; the same start
    and end is round the clock. A span belongs to the day it starts on."""

    start: str
    end: str
    timezone: str
    weekends_disabled: bool = True
    holidays: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field, value in (("shift_start", self.start), ("shift_end", self.end)):
            if not _CLOCK.match(value):
                raise BadShift(field, "must be HH:MM")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadShift("timezone", "is not an IANA zone") from error
        for day in self.holidays:
            try:
                date.fromisoformat(day)
            except ValueError as error:
                raise BadShift("holidays", f"{day[:20]!r} is not YYYY-MM-DD") from error

    def is_open(self, now: float) -> bool:
        """Whether people are on duty at this instant."""
        return any(opens <= now < closes for opens, closes in self._spans(now, days=2))

    def ends_at(self, now: float) -> float | None:
        """When the duty of now ends; None when it never does, or there is none."""
        end: float | None = None
        for opens, closes in self._spans(now, days=_HORIZON_DAYS):
            if end is None:
                if opens <= now < closes:
                    end = closes
            elif opens <= end:
                end = max(end, closes)
            else:
                return end
        return end if end is not None and end < now + (_HORIZON_DAYS - 2) * 86_400 else None

    def next_open_at(self, now: float) -> float | None:
        """The next instant after now at which duty begins; None when there is none."""
        covered = now if self.is_open(now) else None
        for opens, closes in self._spans(now, days=_HORIZON_DAYS):
            if opens <= now:
                covered = closes if closes > now else covered
            elif covered is not None and opens <= covered:
                covered = closes
            else:
                return opens
        return None

    def _spans(self, now: float, *, days: int) -> Iterator[tuple[float, float]]:
        zone = ZoneInfo(self.timezone)
        # from the day before: its span may reach past midnight
        first = datetime.fromtimestamp(now, zone).date() - timedelta(days=1)
        for offset in range(days + 1):
            day = first + timedelta(days=offset)
            if not self._works(day):
                continue
            next_day = self.end <= self.start
            closes_on = day + timedelta(days=1) if next_day else day
            opens, closes = _instant(day, self.start, zone), _instant(closes_on, self.end, zone)
            if closes > opens:
                yield opens, closes

    def _works(self, day: date) -> bool:
        weekend = self.weekends_disabled and day.weekday() >= 5
        return not weekend and day.isoformat() not in self.holidays


def _instant(day: date, clock: str, zone: ZoneInfo) -> float:
    """A local time as an instant; one that a clock change skips is the moment of the change on,
    one that comes twice is the first."""
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    local = datetime.combine(day, time.fromisoformat(clock), tzinfo=zone)
    return local.astimezone(UTC).timestamp()
