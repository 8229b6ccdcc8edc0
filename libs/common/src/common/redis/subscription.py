"""Pub/sub on a connection of its own, for what may be lost."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from common.redis.address import Address
from common.redis.command import pack
from common.redis.errors import Lost
from common.redis.line import Line
from common.redis.wire import Wire

log = logging.getLogger(__name__)

# A reader that is this far behind misses messages rather than filling memory
_BACKLOG = 10_000
_PAUSE_SECONDS = 0.2
_LOOK_SECONDS = 0.5


async def messages(
    address: Address,
    channel: str,
    *,
    timeout_seconds: float,
    on_open: Callable[[], None] | None,
) -> AsyncIterator[bytes]:
    """Every message that comes while subscribed; ends only by being closed."""
    backlog: asyncio.Queue[bytes] = asyncio.Queue(_BACKLOG)

    def keep(message: bytes) -> None:
        if not backlog.full():
            backlog.put_nowait(message)

    line = Line(address, timeout_seconds=timeout_seconds, name="live", on_message=keep)
    subscribe = pack("SUBSCRIBE", channel)
    try:
        while True:
            try:
                wire = await line.open()
                await wire.send([subscribe])
            except Lost as error:
                log.warning("not subscribed", extra={"channel": channel, "reason": str(error)})
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if on_open is not None:
                on_open()
            async for message in _until_lost(wire, backlog):
                yield message
    finally:
        line.close()


async def _until_lost(wire: Wire, backlog: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
    while not wire.lost or not backlog.empty():
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                message = await backlog.get()
        except TimeoutError:
            continue
        yield message
