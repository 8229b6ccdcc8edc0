"""Keeps visitors from waiting for a Coze that is known to be down.

closed ── 5 failures in 30 s ──▶ open ── 30 s ──▶ one probe ── good ──▶ closed
                                  ▲────────────── bad ─────────┘
"""

from collections import deque
from collections.abc import Callable
from enum import IntEnum


class BreakerState(IntEnum):
    """The value is the gauge's."""

    CLOSED = 0
    PROBING = 1
    OPEN = 2


class Breaker:
    """Ask `allows` before a call and report its end with exactly one of the three verbs after."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        failures: int = 5,
        window_seconds: float = 30,
        open_seconds: float = 30,
    ) -> None:
        self._clock = clock
        self._failures = failures
        self._window = window_seconds
        self._open = open_seconds
        self._recent: deque[float] = deque()
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> BreakerState:
        if self._opened_at is None:
            return BreakerState.CLOSED
        waiting = self._clock() - self._opened_at < self._open
        return BreakerState.OPEN if waiting else BreakerState.PROBING

    def allows(self) -> bool:
        """May a call go out? In the probing state exactly one may, until it reports back."""
        state = self.state
        if state is BreakerState.PROBING and not self._probing:
            self._probing = True
            return True
        return state is BreakerState.CLOSED

    def succeeded(self) -> None:
        self._opened_at = None
        self._probing = False
        self._recent.clear()

    def failed(self) -> None:
        now = self._clock()
        if self._opened_at is not None:
            if self._probing:
                self._opened_at = now
            self._probing = False
            return
        self._recent.append(now)
        while now - self._recent[0] > self._window:
            self._recent.popleft()
        if len(self._recent) >= self._failures:
            self._opened_at = now
            self._recent.clear()

    def abandoned(self) -> None:
        """The call was cut by us and says nothing about Coze."""
        self._probing = False
