"""What the product needs while nobody does anything, how fast it is ready, and what lists cost."""

import asyncio
import statistics
import time

import orjson

from bench import fanout
from bench.cpu import Meter, proportional_mb
from bench.fanout import Arrivals
from bench.product import Product

Row = tuple[str, str, str]
SERVICES = ("session-state", "auth", "chat-proxy", "notifier", "gateway")


async def idle(product: Product) -> list[Row]:
    """Proportional set sizes (shared pages counted once), the embedded helpers left out."""
    await asyncio.sleep(1)
    pids = product.rig.stack.pids()
    sizes = {n: proportional_mb(p) for n, p in pids.items() if n in (*SERVICES, "redis")}
    each = ", ".join(f"{name} {size:.0f}" for name, size in sizes.items())
    return [("whole stack idle", f"{sum(sizes.values()):.0f} MB PSS ({each})", "≤ 450 MB")]


async def idle_streams(product: Product, *, streams: int) -> list[Row]:
    """Resident memory of the gateway, before and with open event streams."""
    visitors = await fanout.sessions(product, streams // 10)
    paths = [(f"/api/sessions/{v.name}/events", v.headers) for v in visitors for _ in range(10)]
    warm = await fanout.open_readers(product.gateway, paths[:50], Arrivals())
    gateway = product.pids()["gateway"]
    before = proportional_mb(gateway)
    readers = await fanout.open_readers(product.gateway, paths[50:], Arrivals())
    await asyncio.sleep(1)
    each = (proportional_mb(gateway) - before) * 1000 / len(readers)
    fanout.close([*warm, *readers])
    what = f"gateway's memory an idle stream, of {len(readers)}"
    return [(what, f"{each:.1f} KB", "≤ 25 KB")]


async def ready(product: Product) -> list[Row]:
    """From the start of a service's process to its readiness, all else running."""
    took = {}
    for name in SERVICES:
        await product.rig.stack.terminate(name)
        began = time.monotonic()
        await product.rig.stack.restart(name)
        took[name] = time.monotonic() - began
    product.pin()
    each = ", ".join(f"{name} {seconds:.1f}" for name, seconds in took.items())
    return [("ready after a start", f"{max(took.values()):.1f} s ({each})", "≤ 5 s")]


async def listing(product: Product, *, sizes: tuple[int, ...]) -> list[Row]:
    """Fifty of ever more sessions, which are copies of one real one."""
    agent = await product.agent()
    rows, have = [], 0
    for size in sizes:
        await _copies(product, have, size)
        have = size
        await agent.get("/api/sessions?limit=50")
        meter, took = Meter(product.pids()), []
        for _ in range(50):
            began = time.monotonic()
            answer = await agent.get("/api/sessions?limit=50")
            took.append((time.monotonic() - began) * 1000)
            assert len(answer.body["data"]["sessions"]) == 50, answer
        spent = meter.spent()
        server = 1000 * (spent["session-state"] + spent["redis"]) / len(took)
        figure = (
            f"{server:.1f} ms of session-state and Redis, {statistics.median(took):.1f} ms in all"
        )
        rows.append((f"listing 50 of {size:,} sessions", figure, "≤ 10 ms, no slower at 100,000"))
    return rows


async def _copies(product: Product, start: int, stop: int) -> None:
    visitor = product.visitor()
    await visitor.new()
    async with fanout.publisher(product) as client:
        original = await client.hgetall(f"{{kefu}}:session:{visitor.name}")
        state = orjson.loads(original[b"state"])
        for low in range(start, stop, 1000):
            pipe = client.pipeline(transaction=False)
            for number in range(low, min(low + 1000, stop)):
                name = f"copy-{number}"
                mapping = {**original, b"state": orjson.dumps({**state, "name": name})}
                pipe.hset(f"{{kefu}}:session:{name}", mapping=mapping)
                for kind in ("bot_active", "all"):
                    pipe.zadd(f"{{kefu}}:status:{kind}", {name: time.time()})
            await pipe.execute()


async def rows(product: Product) -> list[Row]:
    return [
        *await idle(product),
        *await idle_streams(product, streams=1_000),
        *await listing(product, sizes=(10_000, 100_000)),
        *await ready(product),
    ]
