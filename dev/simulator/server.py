"""Puts the simulator together and serves it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dev.simulator.coze import Coze
from dev.simulator.ids import log_id
from dev.simulator.routes import handler
from dev.simulator.settings import SimulatorSettings
from dev.wire import listening


@asynccontextmanager
async def serving(coze: Coze) -> AsyncIterator[int]:
    """Serves while the context is open; yields the port."""
    settings: SimulatorSettings = coze.settings
    async with listening(
        handler(coze), host=settings.host, port=settings.port, log_ids=log_id
    ) as port:
        yield port


async def serve_until_stopped(coze: Coze) -> None:
    """Serves until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with serving(coze) as port:
        print(f"Coze simulator on http://{coze.settings.host}:{port}", flush=True)
        await stopped.wait()
