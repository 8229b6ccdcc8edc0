"""A session commit by the real script, as session-state makes it, beside redis-benchmark's floor."""

import asyncio
import statistics
import time

import aiohttp

from bench.product import Product
from bench.streams import percentile


async def plain_api(product: Product, *, per_second: int, seconds: float) -> tuple[str, str, str]:
    """Reads of one session's state, offered at a fixed rate over 100 connections."""
    visitor = product.visitor()
    await visitor.new()
    url = f"{product.gateway}/api/sessions/{visitor.name}"
    took: list[float] = []
    errors = 0
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=100), headers=visitor.headers
    ) as http:

        async def one(at: float) -> None:
            nonlocal errors
            await asyncio.sleep(max(at - time.monotonic(), 0))
            began = time.monotonic()
            async with http.get(url) as answer:
                await answer.read()
                errors += answer.status != 200
            took.append((time.monotonic() - began) * 1000)

        start = time.monotonic() + 0.1
        await asyncio.gather(
            *(one(start + n / per_second) for n in range(int(per_second * seconds)))
        )
    figure = (
        f"p50 {statistics.median(took):.1f} p99 {percentile(took, 0.99):.1f} ms, {errors} errors"
    )
    return (f"plain API, {per_second} a second", figure, "p50 ≤ 10 ms, p99 ≤ 50 ms")


async def script_cost(product: Product) -> tuple[str, str, str]:
    """Redis's own time a commit: manual messages, from `INFO latencystats`."""
    agent = await product.agent()
    visitors = [product.visitor() for _ in range(50)]
    for visitor in visitors:
        await visitor.new()
        await visitor.escalate()
    await product.rig.stack.redis("CONFIG", "RESETSTAT")
    before = time.monotonic()
    for number in range(10):
        await asyncio.gather(*(v.say(f"message {number}") for v in visitors))
    took = time.monotonic() - before
    stats = await product.rig.stack.redis("INFO", "latencystats")
    line = next(x for x in stats.splitlines() if "usec_evalsha:" in x)
    del agent
    figure = f"{line.partition(':')[2].strip()} µs, {500 / took:.0f} messages a second through HTTP"
    return ("scripts of a visitor's message to a person", figure, "–")
