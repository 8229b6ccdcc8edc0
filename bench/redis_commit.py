"""Session commits a second: our one connection against redis-py's pool, the real script, 50 callers.

    .venv/bin/python bench/redis_commit.py [--seconds 5] [--redis-server redis-server]

Both run in turn against the same server, three rounds each. Printed: commits per second, per
second of the client's CPU, and what a commit costs Redis.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import redis.asyncio as peer
import uvloop
from common.redis import Keys, RedisClient, load_script
from common.testing.server import Server, running_server

CALLERS = 50
SCRIPT = load_script("session_commit")
Run = Callable[[list[str], list[Any]], Awaitable[Any]]


def commit(keys: Keys, name: str, version: int) -> tuple[list[str], list[Any]]:
    """One visitor message: state, a log entry on log and bus, ids, a timer, a counter."""
    seq, word = version + 1, "x" * 120
    summary = f'{{"session_name":"{name}","status":"bot_active","version":{seq}}}'
    data = (
        f'{{"seq":{seq},"type":"message_added","message_id":"m","role":"user","content":"{word}"}}'
    )
    args: list[Any] = [f"c:{seq}", version, seq, 0, 0, version, seq, name, "sid", "sid8"]
    args += ["bot_active", 1, 1, f'{{"profile":"{word * 3}"}}', "", "", "", "", "{}", "", summary]
    args += [1, 0, 4, 0, 2, 0, 1]
    args += [f"{seq}-0", f"e-{name}-{seq}", "message.added", 1, "message_added", "va", data, seq]
    args += [f"m:{seq}", "1", f"cm:{seq}", "1", 9, f"expire:{name}", "messages", 1]
    own = [keys.session(name), keys.log(name), keys.ids(name), keys.trail(name), keys.bus()]
    own += [keys.status("bot_active"), keys.status("bot_active"), keys.status("all"), keys.due()]
    return [*own, keys.presence(), keys.stats("day"), keys.load(""), keys.load("")], args


async def measure(run: Run, label: str, *, seconds: float) -> tuple[float, float]:
    """Commits a second of wall time and of this process's CPU."""
    done = 0
    end = time.perf_counter() + seconds

    async def caller(number: int) -> None:
        nonlocal done
        name, version = f"{label}-{number}", 0
        while time.perf_counter() < end:
            reply = await run(*commit(Keys(), name, version))
            if reply[0] != b"ok":
                raise RuntimeError(f"not committed: {reply}")
            version += 1
            done += 1

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    return done / (time.perf_counter() - wall), done / (time.process_time() - cpu)


async def ours(server: Server, label: str, seconds: float) -> tuple[float, float]:
    client = RedisClient.open(server.url())
    try:
        return await measure(lambda k, a: client.run(SCRIPT, k, a), label, seconds=seconds)
    finally:
        await client.close()


async def pooled(server: Server, label: str, seconds: float) -> tuple[float, float]:
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


def cost_of_a_commit(server: Server) -> str:
    """The median: on a shared machine the mean holds other people's time."""
    stats: str = server.ask("INFO", "latencystats")
    (line,) = [text for text in stats.splitlines() if "usec_evalsha:" in text]
    return line.partition("p50=")[2].partition(",")[0]


async def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--redis-server", default=None)
    parser.add_argument("--fsync", default="no")
    wish = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        options = ("--appendfsync", wish.fsync)
        with running_server(Path(directory), binary=wish.redis_server, options=options) as server:
            os.sched_setaffinity(server.pid, {0})
            os.sched_setaffinity(0, {1})
            found: dict[str, list[tuple[float, float]]] = {
                "one connection": [],
                "redis-py pool": [],
            }
            for turn in range(3):
                for name, run in (("one connection", ours), ("redis-py pool", pooled)):
                    server.ask("FLUSHALL")
                    found[name].append(await run(server, f"{name[0]}{turn}", wish.seconds))
            for name, rounds in found.items():
                wall, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
                print(f"{name:15} {wall:9.0f} commits/s {cpu:9.0f} per CPU-second")
            a, b = (statistics.median(r[0] for r in rounds) for rounds in found.values())
            c, d = (statistics.median(r[1] for r in rounds) for rounds in found.values())
            print(f"ratio           {a / b:9.2f} wall      {c / d:9.2f} CPU")
            print(f"redis           {cost_of_a_commit(server)} µs a commit")


if __name__ == "__main__":
    uvloop.run(main())
