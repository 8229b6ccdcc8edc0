"""A browser's line to the product that can be pulled out without a goodbye, as by a closed lid."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK = 65_536


class Cable:
    """Pulled: for the product every connection is gone, for the browser they are silent, and a
    new one gets no answer. Plugged in again, only new ones work: an old one is reset when the
    browser says something on it, and stays silent where it only listens."""

    def __init__(self, host: str, port: int) -> None:
        self._far_end = (host, port)
        self._plugged = asyncio.Event()
        self._plugged.set()
        self._talks: set[asyncio.Task[None]] = set()
        self._to_product: set[asyncio.StreamWriter] = set()

    def pull(self) -> None:
        self._plugged.clear()
        for writer in self._to_product:
            writer.transport.abort()

    def plug(self) -> None:
        self._plugged.set()

    async def close(self) -> None:
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the browser, to its end."""
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            if self._plugged.is_set():
                await self._carry(reader, writer)
            if not self._plugged.is_set():
                await reader.read(1)
                await self._plugged.wait()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._talks.discard(talk)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, product = await asyncio.open_connection(*self._far_end)
        self._to_product.add(product)

        async def ask() -> None:
            await _pump(reader, product)
            product.close()

        asking = asyncio.ensure_future(ask())
        try:
            await _pump(answers, writer)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            self._to_product.discard(product)
            product.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()


@asynccontextmanager
async def cable_to(host: str, port: int) -> AsyncIterator[tuple[Cable, str]]:
    """A cable, and the address at its near end."""
    cable = Cable(host, port)
    server = await asyncio.start_server(cable.join, "127.0.0.1", 0)
    try:
        yield cable, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await cable.close()
