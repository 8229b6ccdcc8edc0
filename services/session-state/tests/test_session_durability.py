"""R4: wherever the append-only file was cut, every session is what its own events say."""

import random
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from common.redis import STATUSES, Keys, RedisClient
from common.testing.server import Server
from session_state import commands as c
from session_state.decision import Context
from session_state.machine import decide
from session_state.session import Session, load
from session_state.store import Store

NOW = 1_790_000_000.0
ANN = c.Actor("ann", "Ann", "agent", 1000)
WAYS: tuple[tuple[Any, ...], ...] = (
    (c.Ask("hello"), c.Escalate(), c.Takeover(ANN), c.Say("hi"), c.Release(ANN)),
    (c.Escalate(message="please"), c.Say("still here"), c.Cancel(), c.Ask("well then")),
    (c.Escalate(), c.Takeover(ANN), c.Requeue(ANN), c.Takeover(ANN), c.Close(ANN)),
    (c.Ask("one"), c.Renew("73", clear=True), c.Ask("two")),
)
OPTIONS = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")


@pytest.fixture
async def written(tmp_path: Path) -> Path:
    """The directory of a server on which forty sessions went their ways."""
    server = Server(tmp_path / "whole", options=OPTIONS)
    server.start()
    redis = RedisClient.open(server.url())
    store = Store(redis, Keys())
    numbers = iter(range(1_000_000))
    for name in range(40):
        session = Session(f"s{name}", f"sid-{name:020}", "bot_active", NOW, NOW)
        for command in WAYS[name % len(WAYS)]:
            context = Context(now=NOW, new_id=lambda: f"id{next(numbers)}", shift_ends_at=NOW + 9)
            decision = decide(session, command, context)
            await store.save(
                decision, session, commit_id=f"c{next(numbers)}", now=NOW, day="2026-09-21"
            )
            session = decision.session
    await redis.close()
    server.kill()
    return tmp_path / "whole"


async def test_a_cut_file_leaves_no_session_that_contradicts_its_events(
    written: Path, tmp_path: Path
) -> None:
    assert await cut(written, tmp_path, times=12) > 0


@pytest.mark.reliability
@pytest.mark.timeout(1800)
async def test_two_hundred_cuts(written: Path, tmp_path: Path) -> None:
    assert await cut(written, tmp_path, times=200) > 0


async def cut(written: Path, tmp_path: Path, *, times: int) -> int:
    """Cut at `times` places; answers how many sessions were looked at."""
    chance, looked = random.Random(4), 0
    for number in range(times):
        copy = tmp_path / f"cut{number}"
        shutil.copytree(written, copy)
        journal = next(copy.rglob("*.incr.aof"))
        with journal.open("r+b") as file:
            file.truncate(chance.randrange(1, journal.stat().st_size))
        server = Server(copy, options=OPTIONS)
        server.start()
        redis = RedisClient.open(server.url())
        try:
            looked += await agree(redis)
        finally:
            await redis.close()
            server.kill()
            shutil.rmtree(copy)
    return looked


async def agree(redis: RedisClient) -> int:
    """Hash, log, bus, trail and indexes of every session tell one story."""
    keys = Keys()
    bus: dict[str, list[dict[bytes, bytes]]] = {}
    for _, fields in await redis.xrange(keys.bus()):
        bus.setdefault(fields[b"subject"].decode(), []).append(fields)
    names = [f"s{number}" for number in range(40)]
    for name in names:
        head = await redis.hmget(keys.session(name), ("state", "version", "epoch", "seq"))
        told = bus.get(name, [])
        if head[0] is None:
            assert told == []
            continue
        session = load(
            head[0], version=int(head[1] or 0), epoch=int(head[2] or 0), seq=int(head[3] or 0)
        )
        log = await redis.xrange(keys.log(name))
        assert [entry_id for entry_id, _ in log] == [f"{n}-0" for n in range(1, session.seq + 1)]
        assert [f[b"data"] for f in told if b"seq" in f] == [row[b"data"] for _, row in log]
        assert told[-1][b"epoch"] == head[2]
        assert orjson.loads(told[-1][b"summary"])["version"] == session.version
        moves = [orjson.loads(f[b"data"]) for f in told if b"status_change" in f.values()]
        trail = [orjson.loads(line) for line in await redis.lrange(keys.trail(name), 0, -1)]
        assert [(m["previous"], m["status"]) for m in moves] == [
            (step["from"], step["to"]) for step in trail
        ]
        assert session.status == (moves[-1]["status"] if moves else "bot_active")
        for status in STATUSES:
            score = await redis.zscore(keys.status(status), name)
            assert (score is not None) == (status == session.status)
        held = await redis.sismember(keys.load("ann"), name)
        assert held == (session.agent is not None)
    return len([name for name in names if name in bus])
