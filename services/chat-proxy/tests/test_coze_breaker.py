"""The breaker opens after failures in a window, lets one probe through, and closes on success."""

import pytest
from chat_proxy.coze.breaker import Breaker, BreakerState


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, failures=5, window_seconds=30, open_seconds=30)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allows()
        breaker.failed()


def test_it_opens_at_the_fifth_failure_in_the_window(breaker: Breaker) -> None:
    fail(breaker, 4)
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    assert breaker.state is BreakerState.OPEN


def test_failures_outside_the_window_do_not_count(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 4)
    clock.now += 31
    fail(breaker, 4)
    assert breaker.state is BreakerState.CLOSED


def test_a_success_forgets_the_failures(breaker: Breaker) -> None:
    fail(breaker, 4)
    breaker.succeeded()
    fail(breaker, 4)
    assert breaker.state is BreakerState.CLOSED


def test_after_the_pause_one_probe_decides(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.now += 30
    assert breaker.allows()
    assert not breaker.allows()
    breaker.failed()
    assert breaker.state is BreakerState.OPEN
    clock.now += 30
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_an_abandoned_probe_leaves_room_for_the_next(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    clock.now += 30
    assert breaker.allows()
    breaker.abandoned()
    assert breaker.allows()
