"""When people are on duty (MAIL-1), pure and over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from session_state.shifts import BadShift, Shift

OFFICE = Shift("09:00", "18:00", "Asia/Shanghai", True, ("2026-10-01",))


def at(text: str, zone: str = "Asia/Shanghai") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("now", "is_open", "opens"),
    [
        ("2026-09-21 08:59:59", False, "2026-09-21 09:00"),  # a Monday
        ("2026-09-21 09:00", True, "2026-09-22 09:00"),
        ("2026-09-21 17:59:59", True, "2026-09-22 09:00"),
        ("2026-09-21 18:00", False, "2026-09-22 09:00"),
        ("2026-09-25 18:00", False, "2026-09-28 09:00"),  # over the weekend
        ("2026-09-26 12:00", False, "2026-09-28 09:00"),
        ("2026-09-30 19:00", False, "2026-10-02 09:00"),  # over the holiday
    ],
)
def test_office_hours(now: str, is_open: bool, opens: str) -> None:
    assert OFFICE.is_open(at(now)) is is_open
    assert OFFICE.next_open_at(at(now)) == at(opens)


def test_an_overnight_span_belongs_to_the_day_it_starts_on() -> None:
    night = Shift("22:00", "06:00", "Europe/Berlin", True)
    assert night.is_open(at("2026-09-22 05:59", "Europe/Berlin"))
    assert not night.is_open(at("2026-09-22 06:00", "Europe/Berlin"))
    # Friday's night reaches into Saturday; Saturday's does not begin
    assert night.is_open(at("2026-09-26 03:00", "Europe/Berlin"))
    assert not night.is_open(at("2026-09-26 23:00", "Europe/Berlin"))
    # and Monday's small hours would be Sunday's night
    assert not night.is_open(at("2026-09-28 03:00", "Europe/Berlin"))
    assert night.ends_at(at("2026-09-25 23:00", "Europe/Berlin")) == at(
        "2026-09-26 06:00", "Europe/Berlin"
    )


def test_round_the_clock_never_ends() -> None:
    always = Shift("00:00", "00:00", "UTC", False)
    now = at("2026-09-21 12:00", "UTC")
    assert always.is_open(now)
    assert always.ends_at(now) is None
    weekdays = Shift("00:00", "24:00", "UTC", True)
    assert weekdays.ends_at(now) == at("2026-09-26 00:00", "UTC")
    assert weekdays.next_open_at(now) == at("2026-09-28 00:00", "UTC")


def test_a_day_of_a_clock_change_is_shorter_or_longer_in_seconds_not_in_hours() -> None:
    office = Shift("01:00", "05:00", "Europe/Berlin", False)
    spring, autumn = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)
    for day, hours in ((spring, 3), (autumn, 5)):
        opens = office.next_open_at((day - timedelta(hours=6)).timestamp())
        assert opens is not None
        assert office.ends_at(opens) == opens + hours * 3600


def test_a_shift_that_never_opens_says_so() -> None:
    days = [datetime(2026, 9, 21, tzinfo=UTC) + timedelta(days=n) for n in range(-2, 420)]
    never = Shift("09:00", "18:00", "UTC", False, tuple(d.date().isoformat() for d in days))
    assert never.next_open_at(at("2026-09-21 10:00", "UTC")) is None
    assert not never.is_open(at("2026-09-21 10:00", "UTC"))


@pytest.mark.parametrize(
    "fields",
    [
        ("9:00", "18:00", "UTC"),
        ("09:00", "25:00", "UTC"),
        ("09:00", "18:00", "Mars/Olympus"),
        ("09:00", "18:00", "../etc/passwd"),
    ],
)
def test_an_impossible_shift_is_refused(fields: tuple[str, str, str]) -> None:
    with pytest.raises(BadShift):
        Shift(*fields)
    with pytest.raises(BadShift, match="holidays"):
        Shift("09:00", "18:00", "UTC", True, ("2026-02-30",))


CLOCK = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(0, 23), st.integers(0, 59))


@settings(max_examples=150, deadline=None)
@given(
    CLOCK,
    CLOCK,
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York"]),
    st.booleans(),
    st.integers(0, 370 * 24 * 60),
)
def test_edges_are_where_the_answer_changes(
    start: str, end: str, zone: str, weekends: bool, minute: int
) -> None:
    shift = Shift(start, end, zone, weekends)
    now = at("2026-01-01 00:00", "UTC") + minute * 60
    opens = shift.next_open_at(now)
    assert opens is not None or shift.is_open(now)
    if opens is not None:
        assert opens > now
        assert shift.is_open(opens)
        assert not shift.is_open(opens - 1)
    if shift.is_open(now):
        ends = shift.ends_at(now)
        if ends is not None:
            assert not shift.is_open(ends)
            assert shift.is_open(ends - 1)


async def test_an_admin_changes_the_shift_and_every_replica_goes_by_it(
    start: Any, until: Any
) -> None:
    async with start(timer_seconds=0.05) as one, start(timer_seconds=0.05) as two:

        async def becomes(status: str) -> None:
            async def has_become() -> bool:
                return await one.status_of("v1") == status

            await until(has_become)

        _, answer = await two.get("/api/shift/status")
        assert answer["data"]["is_in_shift"] is True
        visitor = await one.visitor("v1")
        await visitor.escalate()
        boss = one.as_agent("boss", role="admin")
        body = {"shift_start": "09:00", "shift_end": "10:00", "timezone": "Asia/Shanghai"}
        status, answer = await one.call("PUT", "/api/shift/config", body, boss)
        assert (status, answer["data"]["is_in_shift"]) == (200, False)
        for service in (one, two):

            async def has_heard(service: Any = service) -> bool:
                _, answer = await service.get("/api/shift/status")
                return bool(answer["data"]["shift_end"] == "10:00")

            await until(has_heard)
            _, answer = await service.get("/api/shift/status")
            assert answer["data"]["next_open_at"] > service.clock()
        # who waits does not wait for a shift that is over
        await becomes("after_hours_email")
        body = {"shift_start": "00:00", "shift_end": "00:00"}
        await one.call("PUT", "/api/shift/config", body, boss)
        await becomes("pending_manual")


async def test_the_shift_is_guarded_and_checked(service: Any) -> None:
    path = "/api/shift/config"
    status, _ = await service.call("PUT", path, {}, service.as_agent("eve", role="supervisor"))
    assert status == 403
    boss = service.as_agent("boss", role="admin")
    for body in (
        {"timezone": "Mars/Olympus"},
        {"shift_start": "9"},
        {"shift_start": "29:00"},
        {"holidays": ["2026-02-30"]},
        {"unknown": 1},
    ):
        status, answer = await service.call("PUT", path, body, boss)
        assert (status, answer["error"]["code"]) == (422, "VALIDATION_ERROR"), body
    status, answer = await service.get(path, service.as_agent("gus", role="guest"))
    assert status == 200
