"""Turns and added latency through the whole chain, beside Coze called directly by the same load.

The product's processes run on one core, the load and the simulator on the other; sessions and
their Coze tokens exist before the load starts. Each delta of the simulator's bench answer carries
the instant of its sending, so lag is measured delta by delta.
"""

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from bench import streams
from bench.cpu import Meter
from bench.product import Product
from bench.streams import Figures, load, percentile

BENCH = "[[sim:bench]]"
CHAIN_MARKER = b'"type":"message"'
COZE_MARKER = b"conversation.message.delta"
FIRST_SERVICES = ("gateway", "chat-proxy")


@dataclass(frozen=True)
class Round:
    """One measured round: the chain and, in the same minute, Coze directly."""

    concurrency: int
    chain: Figures
    direct: Figures
    cpu: dict[str, float]

    @property
    def share(self) -> float:
        return self.chain.turns_per_second / self.direct.turns_per_second

    def added_first_ms(self) -> float:
        return statistics.median(self.chain.first_ms) - statistics.median(self.direct.first_ms)

    def cpu_ms_per_stream(self, *names: str) -> float:
        return 1000 * sum(self.cpu[name] for name in names) / self.chain.turns


async def chain_requests(product: Product, count: int) -> list[Callable[[int], bytes]]:
    """One visitor each, with a session, a conversation and a warm Coze token."""
    visitors = [product.visitor() for _ in range(count)]
    for visitor in visitors:
        answer = await visitor.new()
        assert answer.status == 200, answer
        warm = await visitor.chat("hello")
        assert warm.status == 200, warm

    def make(token: str, name: str) -> Callable[[int], bytes]:
        body = orjson.dumps({"message": BENCH, "user_id": name})
        headers = {"X-Visitor-Token": token}
        request = streams.post(product.gateway, "/api/chat/stream", body, headers)
        return lambda _number: request

    return [make(v.headers["X-Visitor-Token"], v.name or "") for v in visitors]


async def direct_requests(product: Product, count: int) -> list[Callable[[int], bytes]]:
    """The same number of users who speak with Coze themselves."""

    def make(token: str, conversation: str) -> Callable[[int], bytes]:
        message = {"role": "user", "type": "question", "content": BENCH, "content_type": "text"}
        body = orjson.dumps(
            {
                "workflow_id": product.coze.workflow_id,
                "conversation_id": conversation,
                "additional_messages": [message],
                "parameters": {},
            }
        )
        headers = {"Authorization": f"Bearer {token}"}
        request = streams.post(product.coze.base, "/v1/workflows/chat", body, headers)
        return lambda _number: request

    users = [await product.coze.user(f"direct-{n}") for n in range(count)]
    return [make(token, conversation) for token, conversation in users]


async def measure(product: Product, concurrency: int, turns_each: int) -> Round:
    chain = await chain_requests(product, concurrency)
    direct = await direct_requests(product, concurrency)
    await load(product.gateway, chain, marker=CHAIN_MARKER, turns_each=1)
    await load(product.coze.base, direct, marker=COZE_MARKER, turns_each=1)
    bare = await load(product.coze.base, direct, marker=COZE_MARKER, turns_each=turns_each)
    meter = Meter(product.pids())
    whole = await load(product.gateway, chain, marker=CHAIN_MARKER, turns_each=turns_each)
    return Round(concurrency, whole, bare, meter.spent())


async def run(product: Product) -> list[tuple[str, str, str]]:
    """Rows of (what, figure, goal)."""
    rows: list[tuple[str, str, str]] = []
    for concurrency, turns in ((1, 30), (20, 20), (50, 12), (100, 8), (200, 4)):
        found = await measure(product, concurrency, turns)
        rows += describe(found)
        await asyncio.sleep(1)
    return rows


def describe(found: Round) -> list[tuple[str, str, str]]:
    n, chain, direct = found.concurrency, found.chain, found.direct
    at = f"at {n} concurrent"
    goals = {1: "≤ 3 ms", 50: "≤ 8 ms"}
    rows = [
        (
            f"turns a second {at}",
            f"{chain.turns_per_second:.0f} of {direct.turns_per_second:.0f} direct"
            f" = {found.share:.0%}, {chain.errors} errors",
            "≥ 60 %" if n in (20, 100) else "0 errors",
        ),
        (f"added first delta, median, {at}", f"{found.added_first_ms():.1f} ms", goals.get(n, "–")),
        (
            f"chunk lag p50 / p99 {at}",
            f"{percentile(chain.lag_ms, 0.5):.1f} / {percentile(chain.lag_ms, 0.99):.1f} ms"
            f" (direct {percentile(direct.lag_ms, 0.5):.1f} /"
            f" {percentile(direct.lag_ms, 0.99):.1f})",
            "p99 ≤ 5 ms" if n == 50 else "–",
        ),
    ]
    if n >= 20:
        cpu = ", ".join(
            f"{name} {1000 * spent / chain.turns:.2f}" for name, spent in found.cpu.items()
        )
        rows.append((f"CPU ms a stream {at}", cpu, "see ratio to nginx"))
    return rows
