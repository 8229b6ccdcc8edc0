"""Waiting for a condition instead of sleeping for a time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
# For a condition that will come: no busy machine is this slow, and a test may take twice as long.
PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.005


async def until(condition: Callable[[], T | Awaitable[T]], timeout: float = PATIENCE_SECONDS) -> T:  # noqa: ASYNC109
    """The condition's first truthy value; it may be async. AssertionError when time is up."""
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        found = condition()
        value: T = await found if inspect.isawaitable(found) else found
        if value:
            return value
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {timeout} s: {inspect.getsource(condition).strip()}")
        await asyncio.sleep(_PAUSE_SECONDS)
