"""What the tests of `dev` share: a running simulator and somebody who calls it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from dev.simulator.testing import Simulator, running_simulator
from dev.tests.simulator_caller import Caller


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as running:
        yield running


@pytest.fixture
async def caller(simulator: Simulator) -> AsyncIterator[Caller]:
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        yield Caller(simulator, http)
