"""`make bench`: turns and added latency, CPU, fan-out, commits and memory, beside their baselines.

`python -m bench [chain] [fanout] [commit] [footprint]`; all without a word. Prints tables; writes
nothing. On a machine that others use as well, look at the load that stands above each table.
"""

import argparse
import os
import platform
import resource
import tempfile
from pathlib import Path

import uvloop

from bench import chain, commit, fanout, footprint, nchan, peers, redis_commit
from bench.cpu import Meter
from bench.product import Product, running_product
from bench.streams import load

Row = tuple[str, str, str]
ROOMY = {"STREAMS_MAX": "6000", "STREAMS_PER_VISITOR": "1000"}


async def chain_rows(product: Product, folder: Path) -> list[Row]:
    rows = await chain.run(product)
    if peers.nginx_at_hand():
        rows += await nginx_rows(product, folder)
    return rows


async def nginx_rows(product: Product, folder: Path) -> list[Row]:
    """The same streams through nginx → nginx, in the same run."""
    outer, inner = peers.free_port(), peers.free_port()
    block = peers.two_hops(outer, inner, product.coze.base)
    async with peers.nginx(folder / "nginx", block, port=outer) as peer:
        requests = await chain.direct_requests(product, 50)
        await load(peer.base, requests, marker=chain.COZE_MARKER, turns_each=1)
        meter = Meter(peer.pids)
        found = await load(peer.base, requests, marker=chain.COZE_MARKER, turns_each=12)
        each = 1000 * meter.spent()["nginx"] / found.turns
    mine = await chain.measure(product, 50, 12)
    two = mine.cpu_ms_per_stream("gateway", "chat-proxy")
    three = mine.cpu_ms_per_stream("gateway", "chat-proxy", "session-state")
    return [
        ("nginx → nginx, CPU ms a stream at 50", f"{each:.2f}", "–"),
        ("gateway + chat-proxy against it", f"{two:.2f} = {two / each:.1f}×", "≤ 3×"),
        ("with session-state", f"{three:.2f} = {three / each:.1f}×", "≤ 4.5×"),
    ]


async def fanout_rows(product: Product, folder: Path) -> list[Row]:
    rows: list[Row] = []
    ours = await fanout.unicast(product, streams=500, count=20_000, per_second=4_000)
    rows += fanout.describe(ours, "unicast, 500 streams", "≥ 0.8× nchan in memory")
    async with peers.bare_fanout(product.rig.stack.redis_url) as peer:
        bare = await nchan.bare_unicast(product, peer, streams=500, count=20_000)
    rows += fanout.describe(bare, "the same, bare server", "floor")
    ratio = ours.per_cpu_second / bare.per_cpu_second
    rows.append(("unicast against bare", f"{ratio:.2f}×", "–"))
    if peers.nginx_at_hand(nchan=True):
        rows += await nchan.rows(folder, ours)
    calm = await fanout.unicast(product, streams=200, count=5_000, per_second=1_000)
    rows += fanout.describe(calm, "agent messages, 1,000 a second", "p99 ≤ 5 ms")
    wide = await fanout.broadcast(product, streams=3_000, count=30, per_second=3)
    rows += fanout.describe(wide, "broadcast to 3,000 streams", "p99 < 50 ms")
    return rows


async def commit_rows(product: Product, folder: Path) -> list[Row]:
    return [
        await commit.plain_api(product, per_second=200, seconds=10),
        await commit.script_cost(product),
        *await redis_commit.rows(folder / "redis"),
    ]


async def footprint_rows(product: Product, folder: Path) -> list[Row]:
    del folder
    return await footprint.rows(product)


PARTS = {
    "footprint": footprint_rows,
    "chain": chain_rows,
    "fanout": fanout_rows,
    "commit": commit_rows,
}
NOT_MEASURED = (
    "Not measured here: litellm, sse-starlette and nchan with Redis as peers; an agent's message "
    "from its POST; the web's figures (make web prints sizes)."
)


async def main(wanted: list[str]) -> None:
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="kefu-bench-") as folder:
            async with running_product(Path(folder) / "data", env=ROOMY) as product:
                rows = await PARTS[name](product, Path(folder))
        print("load average", " ".join(f"{load:.1f}" for load in os.getloadavg()))
        print(f"| {name} | figure | goal |\n| --- | --- | --- |")
        print("\n".join(f"| {what} | {figure} | {goal} |" for what, figure, goal in rows), "\n")
    print(NOT_MEASURED)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="all without a word")
    resource.setrlimit(resource.RLIMIT_NOFILE, (16_384, 16_384))
    uvloop.run(main(parser.parse_args().part or list(PARTS)))
