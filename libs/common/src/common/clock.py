"""UTC seconds as a parameter, so that logic never reads the wall clock itself."""

import time
from collections.abc import Callable

Clock = Callable[[], float]


def system_clock() -> float:
    """UTC seconds, a float with milliseconds: what the contract promises for every time."""
    return round(time.time(), 3)
