"""Session commits by the real script, 50 callers: our one connection, redis-py's pool and
redis-benchmark in turn against the same server, fsync `always`; and what a commit costs Redis.

Each commit makes a session, because redis-benchmark can only repeat itself.
"""

import asyncio
import os
import shutil
import statistics
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import redis.asyncio as peer
from common.redis import Keys, RedisClient, load_script
from common.testing.server import Server, running_server

from bench.cpu import SERVER_CORE

CALLERS = 50
SCRIPT = load_script("session_commit")
Run = Callable[[list[str], list[Any]], Awaitable[Any]]


def commit(name: str) -> tuple[list[str], list[Any]]:
    """One visitor's first message: state, a log entry on log and bus, ids, a timer, a counter."""
    keys, word = Keys(), "x" * 120
    summary = f'{{"session_name":"{name}","status":"bot_active","version":1}}'
    data = f'{{"seq":1,"type":"message_added","message_id":"m","role":"user","content":"{word}"}}'
    args: list[Any] = ["c:1", 0, 1, 0, 0, 0, 1, name, "sid", "sid8"]
    args += ["bot_active", 1, 1, f'{{"profile":"{word * 3}"}}', "", "", "", "", "{}", "", summary]
    args += [1, 0, 4, 0, 2, 0, 1]
    args += ["1-0", f"e-{name}", "message.added", 1, "message_added", "va", data, 1]
    args += ["m:1", "1", "cm:1", "1", 9, f"expire:{name}", "messages", 1]
    own = [keys.session(name), keys.log(name), keys.ids(name), keys.trail(name), keys.bus()]
    own += [keys.status("bot_active"), keys.status("bot_active"), keys.status("all"), keys.due()]
    return [*own, keys.presence(), keys.stats("day"), keys.load(""), keys.load("")], args


async def measure(run: Run, label: str, *, seconds: float) -> float:
    """Commits a second."""
    loop = asyncio.get_running_loop()
    done, began = 0, loop.time()

    async def caller(number: int) -> None:
        nonlocal done
        while loop.time() < began + seconds:
            reply = await run(*commit(f"{label}-{number}-{done}"))
            if reply[0] != b"ok":
                raise RuntimeError(f"not committed: {reply}")
            done += 1

    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    return done / (loop.time() - began)


async def ours(server: Server, label: str, seconds: float) -> float:
    client = RedisClient.open(server.url())
    try:
        return await measure(lambda k, a: client.run(SCRIPT, k, a), label, seconds=seconds)
    finally:
        await client.close()


async def pooled(server: Server, label: str, seconds: float) -> float:
    pool = peer.BlockingConnectionPool.from_url(server.url(), max_connections=CALLERS, protocol=2)
    client = peer.Redis(connection_pool=pool)
    sha = await client.script_load(SCRIPT.text)

    def run(keys: list[str], args: list[Any]) -> Awaitable[Any]:
        return client.evalsha(sha, len(keys), *keys, *args)

    try:
        return await measure(run, label, seconds=seconds)
    finally:
        await client.aclose()
        await pool.disconnect()


async def benchmark(server: Server, label: str, seconds: float) -> float:
    """redis-benchmark, which draws a name for each commit; so few that hardly two are the same."""
    keys, args = commit(f"{label}-__rand_int__")
    words = ["EVALSHA", SCRIPT.sha, str(len(keys)), *keys, *map(str, args)]
    count = int(seconds * 1_500)
    command = ["redis-benchmark", "-p", server.url().rpartition(":")[2].partition("/")[0]]
    command += ["-c", str(CALLERS), "-n", str(count), "-r", "2000000000", "--csv", *words]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    # the first column is the command itself, quotes and all
    return float(said.decode().splitlines()[-1].split('","')[-7])


def cost_of_a_commit(server: Server) -> float:
    """The median: on a shared machine the mean holds other people's time."""
    stats: str = server.ask("INFO", "latencystats")
    (line,) = [text for text in stats.splitlines() if "usec_evalsha:" in text]
    return float(line.partition("p50=")[2].partition(",")[0])


async def rows(folder: Path, *, seconds: float = 2.0) -> list[tuple[str, str, str]]:
    ways = {"ours": ours, "pool": pooled}
    if shutil.which("redis-benchmark"):
        ways["redis-benchmark"] = benchmark
    found: dict[str, list[float]] = {name: [] for name in ways}
    costs: list[float] = []
    options = ("--appendfsync", "always")
    with running_server(folder, options=options) as server:
        os.sched_setaffinity(server.pid, {SERVER_CORE})
        for turn in range(3):
            for name, way in ways.items():
                server.ask("FLUSHALL")
                server.ask("SCRIPT", "LOAD", SCRIPT.text)
                server.ask("CONFIG", "RESETSTAT")
                found[name].append(await way(server, f"{name[0]}{turn}", seconds))
                if name == "ours":
                    costs.append(cost_of_a_commit(server))
    rate = {name: statistics.median(rounds) for name, rounds in found.items()}
    each = ", ".join(f"{name} {figure:.0f}" for name, figure in rate.items())
    return [
        (
            "session commit, the script alone",
            f"p50 {statistics.median(costs):.0f} µs of Redis",
            "≤ 25 µs",
        ),
        ("commits a second, 50 callers", each, "–"),
        ("against redis-py's pool", f"{rate['ours'] / rate['pool']:.2f}×", "≥ 1.6×"),
        (
            "against redis-benchmark",
            f"{rate['ours'] / rate['redis-benchmark']:.2f}×"
            if "redis-benchmark" in rate
            else "not measured: redis-benchmark is missing",
            "≥ 0.6×",
        ),
    ]
