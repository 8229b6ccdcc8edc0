"""Runs an app as a process that leaves cleanly: not ready, drain, then gone."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator

import uvicorn
import uvloop
from fastapi import FastAPI

from common.app.chassis import Chassis
from common.logging import configure

log = logging.getLogger(__name__)

# After the drain hooks only short answers are left.
_LAST_ANSWERS_SECONDS = 5
_KEEP_ALIVE_SECONDS = 75  # above our clients' 15 s, so that a reused connection is never a dead one
FAILED = 70  # a supervised task died: the orchestrator starts the process again
_BACKLOG = 2048
_TICK_SECONDS = 0.1  # uvicorn counts on ten ticks a second
_TICKS_A_DAY = 864_000
# What was built at the start stays, and what a request makes goes by itself; looking through all
# of it every 700 objects took a tenth of each service's time.
_OBJECTS_BEFORE_GC = (20_000, 20, 50)


class Server(uvicorn.Server):
    """uvicorn, with our signals and our drain instead of its own: by itself it waits for open
    event streams for ever, or cuts them all."""

    def __init__(self, config: uvicorn.Config, chassis: Chassis) -> None:
        super().__init__(config)
        self._chassis = chassis
        self._leaving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are set in `run`; in tests there are none."""
        yield

    def leave(self, number: int = signal.SIGTERM) -> None:
        """Once: drain. Twice: at once."""
        log.info("leaving", extra={"signal": int(number)})
        if self.should_exit:
            self.force_exit = True
            self._chassis.hurry()
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        """uvicorn's own, but for that it wakes at once when it is time to leave."""
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % _TICKS_A_DAY
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._leaving.wait()

    async def on_tick(self, counter: int) -> bool:
        """The end also comes when a supervised task died."""
        if self._chassis.failed is not None:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """The app still serves while its hooks drain it; then the door closes."""
        await self._chassis.drain()
        await super().shutdown(sockets)


def make_server(app: FastAPI, *, host: str, port: int) -> Server:
    """The server of a service, in tests and in production the same."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # the gateway alone knows which proxies to trust
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
    )
    return Server(config, app.state.chassis)


def serve(create_app: Callable[[], FastAPI]) -> None:
    """The whole `__main__` of a service. Exit status 0 after SIGTERM or SIGINT, 70 when a
    supervised task died, 2 on wrong settings, 3 when the start failed."""
    app = create_app()
    chassis: Chassis = app.state.chassis
    settings = chassis.settings
    configure(chassis.name, settings.log_level, file=settings.log_file, secrets=settings.secrets())
    server = make_server(app, host=settings.host, port=settings.port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(server))
    if chassis.failed is not None:
        sys.exit(FAILED)


async def _run(server: Server) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.leave, number)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_OBJECTS_BEFORE_GC)
    await server.serve()
