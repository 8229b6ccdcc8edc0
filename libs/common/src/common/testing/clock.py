"""A clock that stands still until a test moves it."""

START = 1_790_000_000.0


class FakeClock:
    """A `common.clock.Clock`: `clock()` tells, `clock.advance(60)` moves it."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
