"""A load of chat streams that costs little itself: raw HTTP/1.1 over keep-alive connections."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_STAMP = re.compile(rb'"content":"(\d+) (\d+) "')


@dataclass
class Figures:
    """What a load saw. Times in milliseconds."""

    turns: int = 0
    errors: int = 0
    seconds: float = 0.0
    first_ms: list[float] = field(default_factory=list)
    lag_ms: list[float] = field(default_factory=list)

    @property
    def turns_per_second(self) -> float:
        return self.turns / self.seconds if self.seconds else 0.0


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


class Connection(asyncio.Protocol):
    """One keep-alive connection that plays one request after another."""

    def __init__(self, figures: Figures, marker: bytes) -> None:
        self._figures, self._marker = figures, marker
        self._done: asyncio.Future[None] | None = None
        self._sent = 0.0
        self._first = False
        self._tail = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    async def turn(self, request: bytes) -> None:
        """Send one request and read its stream to the end."""
        assert self._transport is not None
        self._done = asyncio.get_running_loop().create_future()
        self._first, self._tail = True, b""
        self._sent = time.monotonic()
        self._transport.write(request)
        await self._done

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        block = self._tail + data
        cut = block.rfind(b"\n\n") + 2
        whole, self._tail = (block[:cut], block[cut:]) if cut > 1 else (b"", block)
        for frame in whole.split(b"\n\n"):
            if self._marker in frame and (stamp := _STAMP.search(frame)):
                self._delta(now, int(stamp[2]))
        if self._tail.endswith(b"0\r\n\r\n") or (not self._tail and data.endswith(b"0\r\n\r\n")):
            self._end()

    def _delta(self, now: int, stamp: int) -> None:
        self._figures.lag_ms.append((now - stamp) / 1e6)
        if self._first:
            self._first = False
            self._figures.first_ms.append((now / 1e9 - self._sent) * 1000)

    def _end(self) -> None:
        self._figures.turns += 1
        self._figures.errors += self._first
        if self._done and not self._done.done():
            self._done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._done and not self._done.done():
            self._done.set_exception(exc or ConnectionResetError())


async def load(
    base: str,
    requests: list[Callable[[int], bytes]],
    *,
    marker: bytes,
    turns_each: int,
) -> Figures:
    """Every entry of `requests` is one visitor on one connection, who plays `turns_each` turns;
    `marker` is in every frame that carries a delta, and in no other."""
    parts = urlsplit(base)
    figures = Figures()
    loop = asyncio.get_running_loop()

    async def visitor(make: Callable[[int], bytes]) -> None:
        transport, connection = await loop.create_connection(
            lambda: Connection(figures, marker), parts.hostname, parts.port
        )
        try:
            for number in range(turns_each):
                async with asyncio.timeout(60):
                    await connection.turn(make(number))
        except (OSError, TimeoutError):
            figures.errors += 1
        finally:
            transport.close()

    began = time.monotonic()
    await asyncio.gather(*(visitor(make) for make in requests))
    figures.seconds = time.monotonic() - began
    return figures


def post(base: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one POST."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {urlsplit(base).netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body
