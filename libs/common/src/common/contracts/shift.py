"""The shop's hours: what an admin may change, and what everybody is told."""

from typing import Annotated

from pydantic import Field, StringConstraints

from common.contracts.common import Lenient, Strict

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
ClockTime = Annotated[str, StringConstraints(pattern=r"^\d{2}:\d{2}$")]


class ShiftChange(Strict):
    """What is left out stays as it is."""

    shift_start: ClockTime | None = None
    shift_end: ClockTime | None = None
    timezone: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    weekends_disabled: bool | None = None
    holidays: list[Day] | None = Field(default=None, max_length=400)


class ShiftInfo(Lenient):
    """The hours, whether somebody is on duty now, and when next (UTC seconds)."""

    shift_start: str
    shift_end: str
    timezone: str
    weekends_disabled: bool
    holidays: list[str]
    is_in_shift: bool
    next_open_at: float | None
