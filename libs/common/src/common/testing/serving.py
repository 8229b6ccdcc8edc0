"""A service's real app behind a real server on a free loopback port, in the test's own loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from common.app.chassis import Chassis
from common.app.serve import Server, make_server
from common.testing.waiting import until


@dataclass(frozen=True)
class RunningApp:
    """`url` has no slash at its end."""

    app: FastAPI
    server: Server
    port: int
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def chassis(self) -> Chassis:
        found: Chassis = self.app.state.chassis
        return found

    @property
    def wiring(self) -> Any:
        return self.app.state.wiring

    def terminate(self) -> None:
        """What SIGTERM does: drain, then exit; `await running.task` is the end."""
        if not self.server.should_exit:
            self.server.leave()


@contextlib.asynccontextmanager
async def run_app(app: FastAPI) -> AsyncIterator[RunningApp]:
    """Started when entered, drained and gone when left."""
    # with the protocol named asyncio turns Nagle's algorithm off; else each answer takes 40 ms
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        server = make_server(app, host="127.0.0.1", port=port)
        task = asyncio.create_task(_serve(server, listener), name=f"server on {port}")
        await until(lambda: server.started or task.done())
        if task.done():
            # its exception, if it has one
            task.result()
            raise RuntimeError("the app did not start; its log says why")
        running = RunningApp(app, server, port, task)
        try:
            yield running
        finally:
            running.terminate()
            await task


async def _serve(server: Server, listener: socket.socket) -> None:
    try:
        await server.serve(sockets=[listener])
    except SystemExit as error:
        # uvicorn leaves this way when the lifespan failed; a test must not
        raise RuntimeError(f"exit status {error.code}") from error
