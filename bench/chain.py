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
FIRST_GOALS = {1: "≤ 3 ms", 50: "≤ 8 ms"}
LAG_GOALS = {50: "p99 ≤ 5 ms"}


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
    turns = (
        f"{chain.turns_per_second:.0f} of {direct.turns_per_second:.0f} direct"
        f" = {found.share:.0%}, {chain.errors} errors"
    )
    rows = [
        (f"turns a second at {n}", turns, "≥ 60 %" if n in (20, 100) else "0 errors"),
        (f"added first delta at {n}", f"{found.added_first_ms():.1f} ms", FIRST_GOALS.get(n, "–")),
        (f"chunk lag at {n}", f"{_lag(chain)}, direct {_lag(direct)}", LAG_GOALS.get(n, "–")),
    ]
    if n >= 20:
        each = ", ".join(f"{k} {1000 * v / chain.turns:.2f}" for k, v in found.cpu.items())
        rows.append((f"CPU ms a stream at {n}", each, "–"))
    return rows


def _lag(figures: Figures) -> str:
    low, high = percentile(figures.lag_ms, 0.5), percentile(figures.lag_ms, 0.99)
    return f"p50 {low:.1f} p99 {high:.1f} ms"
