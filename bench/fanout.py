"""Fan-out: messages that enter by XADD in the bus format, delivered to open event streams, beside
a bare ASGI server that reads the same bus and writes the same frames."""

import asyncio
import contextlib
import random
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import jwt
import orjson
from redis.asyncio import Redis

from bench.cpu import Meter
from bench.product import Product
from bench.streams import percentile
from dev.actors import Visitor

_STAMP = re.compile(rb'"content":"bench (\d+)"')


@dataclass
class Arrivals:
    """What all readers together got. Times in milliseconds."""

    deliveries: int = 0
    late_ms: list[float] = field(default_factory=list)


class Reader(asyncio.Protocol):
    """One open event stream that counts what arrives."""

    def __init__(self, arrivals: Arrivals, request: bytes) -> None:
        self._arrivals, self._request = arrivals, request
        self._tail = b""
        self.ready = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        block = self._tail + data
        if not self.ready.done() and b"event: ready" in block:
            found = re.search(rb'"seq":(\d+)', block.partition(b"event: ready")[2])
            if found:
                self.ready.set_result(int(found[1]))
        cut = block.rfind(b"\n\n") + 2
        whole, self._tail = (block[:cut], block[cut:]) if cut > 1 else (b"", block)
        for stamp in _STAMP.findall(whole):
            self._arrivals.deliveries += 1
            self._arrivals.late_ms.append((now - int(stamp)) / 1e6)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionResetError())


@dataclass
class Target:
    """One session on the bus."""

    name: str
    sid8: str
    seq: int


def entry(target: Target) -> dict[str, bytes]:
    """A `message.added` as the commit writes it (common/events/base.py), stamped with now."""
    target.seq += 1
    message = {
        "seq": target.seq,
        "type": "manual_message",
        "message_id": f"bench-{target.seq}",
        "role": "agent",
        "content": f"bench {time.monotonic_ns()}",
        "timestamp": time.time(),
        "agent_id": "bench",
        "agent_name": "Bench",
    }
    return {
        "id": f"bench-{target.name}-{target.seq}".encode(),
        "type": b"message.added",
        "source": b"session-state",
        "subject": target.name.encode(),
        "time": f"{time.time():.3f}".encode(),
        "version": b"1",
        "seq": str(target.seq).encode(),
        "frame": b"manual_message",
        "audience": b"va",
        "sid8": target.sid8.encode(),
        "epoch": b"0",
        "status": b"bot_active",
        "data": orjson.dumps(message),
    }


async def open_readers(
    base: str, paths: list[tuple[str, dict[str, str]]], arrivals: Arrivals
) -> list[Reader]:
    """One reader a (path, headers); returns when all got `ready`."""
    parts = urlsplit(base)
    loop = asyncio.get_running_loop()
    readers = []
    for path, headers in paths:
        lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", "Accept: text/event-stream"]
        lines += [f"{k}: {v}" for k, v in headers.items()]
        request = "\r\n".join([*lines, "", ""]).encode()
        _, reader = await loop.create_connection(
            lambda r=request: Reader(arrivals, r), parts.hostname, parts.port
        )
        readers.append(reader)
    async with asyncio.timeout(60):
        await asyncio.gather(*(r.ready for r in readers))
    return readers


@asynccontextmanager
async def publisher(product: Product) -> AsyncIterator[Redis]:
    client = Redis.from_url(product.rig.stack.redis_url, max_connections=4)
    try:
        yield client
    finally:
        await client.aclose()


async def send(client: Redis, targets: list[Target], *, count: int, per_second: float) -> float:
    """`count` messages to random targets at a rate; answers the seconds it took."""
    began = time.monotonic()
    batch = max(int(per_second / 200), 1)
    for start in range(0, count, batch):
        pipe = client.pipeline(transaction=False)
        for _ in range(min(batch, count - start)):
            pipe.xadd("{kefu}:bus", entry(random.choice(targets)))
        await pipe.execute()
        ahead = began + (start + batch) / per_second - time.monotonic()
        if ahead > 0:
            await asyncio.sleep(ahead)
    return time.monotonic() - began


async def all_arrived(arrivals: Arrivals, wanted: int) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            while arrivals.deliveries < wanted:
                await asyncio.sleep(0.02)


async def sessions(product: Product, count: int) -> list[Visitor]:
    visitors = [product.visitor() for _ in range(count)]
    for visitor in visitors:
        await visitor.new()
    return visitors


def target_of(visitor: Visitor, seq: int) -> Target:
    """By the visitor's own token, which names the session's `sid`."""
    claims = jwt.decode(visitor.headers["X-Visitor-Token"], options={"verify_signature": False})
    return Target(claims["sub"], claims["sid"][:8], seq)


@dataclass(frozen=True)
class Fanout:
    """One measured round."""

    deliveries: int
    wanted: int
    seconds: float
    cpu: dict[str, float]
    late_ms: list[float]

    @property
    def per_cpu_second(self) -> float:
        spent = self.cpu.get("gateway", 0.0) + self.cpu.get("redis", 0.0)
        return self.deliveries / spent if spent else 0.0


async def unicast(product: Product, *, streams: int, count: int, per_second: float) -> Fanout:
    """Each message to one visitor's one stream."""
    visitors = await sessions(product, streams)
    arrivals = Arrivals()
    paths = [(f"/api/sessions/{v.name}/events", v.headers) for v in visitors]
    readers = await open_readers(product.gateway, paths, arrivals)
    targets = [target_of(v, r.ready.result()) for v, r in zip(visitors, readers, strict=True)]
    found = await _measure(product, targets, arrivals, count=count, per_second=per_second)
    close(readers)
    return found


async def broadcast(product: Product, *, streams: int, count: int, per_second: float) -> Fanout:
    """Each message to many watchers of one session."""
    visitor = (await sessions(product, 1))[0]
    agent = await product.agent()
    arrivals = Arrivals()
    paths = [(f"/api/sessions/{visitor.name}/events", agent.headers)] * streams
    readers = await open_readers(product.gateway, paths, arrivals)
    targets = [target_of(visitor, readers[0].ready.result())]
    found = await _measure(
        product, targets, arrivals, count=count, per_second=per_second, each=streams
    )
    close(readers)
    return found


async def _measure(
    product: Product,
    targets: list[Target],
    arrivals: Arrivals,
    *,
    count: int,
    per_second: float,
    each: int = 1,
) -> Fanout:
    async with publisher(product) as client:
        meter = Meter(product.pids())
        seconds = await send(client, targets, count=count, per_second=per_second)
        await all_arrived(arrivals, count * each)
        cpu = meter.spent()
    return Fanout(arrivals.deliveries, count * each, seconds, cpu, arrivals.late_ms)


def close(readers: list[Reader]) -> None:
    for reader in readers:
        if reader.transport:
            reader.transport.close()


def describe(found: Fanout, what: str, goal: str) -> list[tuple[str, str, str]]:
    cpu = ", ".join(f"{name} {spent:.2f} s" for name, spent in found.cpu.items() if spent)
    late = f"p50 {percentile(found.late_ms, 0.5):.1f} p99 {percentile(found.late_ms, 0.99):.1f} ms"
    figure = (
        f"{found.deliveries} of {found.wanted}, {found.per_cpu_second:.0f} a CPU s ({cpu}), {late}"
    )
    return [(what, figure, goal)]
