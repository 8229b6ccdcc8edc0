"""A TCP proxy that loses answers, for what a network does at the worst moment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Proxy:
    """Passes bytes on between `port` and the target until told otherwise."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.silent = False  # requests pass, answers don't
        self.cut_on_answer = False  # the next answer is lost with its connection
        self.connections = 0

    def cut(self) -> None:
        """Ends all connections at once."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer, answers=False))
                group.create_task(self._pump(far_reader, writer, answers=True))
        finally:
            self._writers -= {writer, far_writer}
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if answers and self.cut_on_answer:
                    self.cut_on_answer = False
                    self.cut()
                    return
                if not (answers and self.silent):
                    writer.write(data)
                    await writer.drain()
        writer.transport.abort()


@contextlib.asynccontextmanager
async def proxied(target_port: int) -> AsyncIterator[Proxy]:
    """A proxy before the port, on a port of its own."""
    proxy = Proxy(target_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        await server.wait_closed()
