"""Fan-out peers in the same run: the bare server on our bus, and nchan in memory."""

import asyncio
import time
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from bench import fanout, peers
from bench.cpu import Meter
from bench.fanout import Arrivals, Fanout, Target
from bench.product import Product


async def bare_unicast(product: Product, peer: peers.Peer, *, streams: int, count: int) -> Fanout:
    """The same messages over the same bus, read by `bench.bare`."""
    arrivals = Arrivals()
    names = [f"bare-{n}" for n in range(streams)]
    paths: list[tuple[str, dict[str, str]]] = [(f"/api/sessions/{n}/events", {}) for n in names]
    readers = await fanout.open_readers(peer.base, paths, arrivals)
    targets = [Target(name, "00000000", 0) for name in names]
    redis = {"redis": product.pids()["redis"]}
    async with fanout.publisher(product) as client:
        meter = Meter({"gateway": peer.pids["bare"], **redis})
        seconds = await fanout.send(client, targets, count=count, per_second=4_000)
        await fanout.all_arrived(arrivals, count)
        cpu = meter.spent()
    fanout.close(readers)
    return Fanout(arrivals.deliveries, count, seconds, cpu, arrivals.late_ms)


class Publisher(asyncio.Protocol):
    """Pipelines POSTs to nchan over one connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def post(self, host: str, channel: str) -> None:
        message = {"seq": 1, "type": "manual_message", "content": f"bench {time.monotonic_ns()}"}
        body = orjson.dumps({**message, "message_id": "bench", "role": "agent", "pad": "x" * 60})
        head = (
            f"POST /pub/{channel} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)


async def nchan_unicast(folder: Path, *, streams: int, count: int, per_second: float) -> Fanout:
    port = peers.free_port()
    async with peers.nginx(
        folder / "nchan", peers.nchan_channels(port), port=port, nchan=True
    ) as p:
        arrivals = Arrivals()
        host = urlsplit(p.base).netloc
        loop = asyncio.get_running_loop()
        readers = []
        for n in range(streams):
            lines = f"GET /sub/c{n} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n"
            _, reader = await loop.create_connection(
                lambda r=lines: fanout.Reader(arrivals, r.encode()), "127.0.0.1", port
            )
            readers.append(reader)
        await asyncio.sleep(1)
        posts = [(await loop.create_connection(Publisher, "127.0.0.1", port))[1] for _ in range(4)]
        meter = Meter({"gateway": p.pids["nginx"]})
        began = time.monotonic()
        for start in range(0, count, 20):
            for n in range(start, min(start + 20, count)):
                posts[n % 4].post(host, f"c{n * 7 % streams}")
            await asyncio.sleep(max(began + (start + 20) / per_second - time.monotonic(), 0))
        await fanout.all_arrived(arrivals, count)
        cpu = meter.spent()
        seconds = time.monotonic() - began
        fanout.close(readers)
        for reader in readers:
            reader.ready.cancel()
    return Fanout(arrivals.deliveries, count, seconds, cpu, arrivals.late_ms)


async def rows(folder: Path, ours: Fanout) -> list[tuple[str, str, str]]:
    found = await nchan_unicast(folder, streams=500, count=20_000, per_second=4_000)
    ratio = ours.per_cpu_second / found.per_cpu_second if found.deliveries else 0.0
    return [
        *fanout.describe(found, "the same, nchan in memory", "–"),
        ("unicast against nchan in memory", f"{ratio:.2f}×", "≥ 0.8×"),
    ]
