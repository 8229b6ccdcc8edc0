"""The one script that writes sessions: all or nothing, once, and within capacity (SESS-2)."""

import asyncio
import statistics
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from common.errors import AgentAtCapacity, Busy
from common.redis import Keys, RedisClient, load_script
from common.redis import commands as redis_commands
from common.testing.server import Server
from session_state import commands as c
from session_state.decision import Context
from session_state.machine import decide
from session_state.session import Session
from session_state.store import Conflict, Store, _commit_args

ANN = c.Actor("ann", "Ann", "agent", 1)
BEN = c.Actor("ben", "Ben", "agent", 5)
NOW = 1_790_000_000.0


def context(now: float = NOW) -> Context:
    numbers = iter(range(1000))
    return Context(now=now, new_id=lambda: f"id-{now}-{next(numbers)}", shift_ends_at=now + 9)


def fresh(name: str = "s1") -> Session:
    return Session(name, f"sid-of-{name}-0123456789", "bot_active", NOW, NOW)


async def commit(
    store: Store, session: Session, command: Any, commit_id: str, **more: Any
) -> Session:
    decision = decide(session, command, context())
    await store.save(decision, session, commit_id=commit_id, now=NOW, day="2026-09-21", **more)
    return decision.session


@pytest.fixture
def store(redis: RedisClient, keys: Keys) -> Store:
    return Store(redis, keys)


async def test_log_and_bus_carry_the_same_bytes_and_the_same_seq(
    store: Store, redis: RedisClient, keys: Keys
) -> None:
    session = await commit(store, fresh(), c.Ask('say "hi"\n你好'), "c1")
    await commit(store, session, c.Escalate(), "c2")
    log = await redis.xrange(keys.log("s1"))
    bus = [fields for _, fields in await redis.xrange(keys.bus()) if b"seq" in fields]
    assert len(log) == len(bus) == 3
    for number, ((entry_id, row), fields) in enumerate(zip(log, bus, strict=True), start=1):
        assert entry_id == f"{number}-0"
        assert row[b"data"] == fields[b"data"]
        assert row[b"data"].startswith(b'{"seq":%d,"type":"%s"' % (number, fields[b"frame"]))
        assert orjson.loads(row[b"data"])["seq"] == number == int(fields[b"seq"])
        assert fields[b"sid8"] == b"sid-of-s"
    assert orjson.loads(log[0][1][b"data"])["content"] == 'say "hi"\n你好'


async def test_the_summary_travels_on_the_last_entry_of_a_commit_only(
    store: Store, redis: RedisClient, keys: Keys
) -> None:
    session = await commit(store, fresh(), c.Ask("hi"), "c1")
    await commit(store, session, c.Escalate(), "c2")
    rows = [fields for _, fields in await redis.xrange(keys.bus())]
    commits: dict[bytes, list[bool]] = {}
    for fields in rows:
        commit_id = fields[b"id"].rpartition(b"-")[0]
        commits.setdefault(commit_id, []).append(b"summary" in fields)
    assert all(marks == [*[False] * (len(marks) - 1), True] for marks in commits.values())
    assert rows[1][b"type"] == b"session.created"
    summary = orjson.loads(rows[-1][b"summary"])
    assert (summary["status"], summary["session_name"]) == ("pending_manual", "s1")


async def test_the_same_commit_id_answers_the_first_result_and_writes_nothing(
    store: Store, redis: RedisClient, keys: Keys
) -> None:
    session = await commit(store, fresh(), c.Ask("hi"), "c1")
    before = await _everything(redis)
    decision = decide(fresh(), c.Ask("hi"), context())
    again = await store.save(decision, fresh(), commit_id="c1", now=NOW, day="2026-09-21")
    assert again.first is not None
    assert again.first["turn_id"] == session.turn.turn_id  # type: ignore[union-attr]
    assert await _everything(redis) == before


async def test_a_stale_version_writes_nothing(store: Store, redis: RedisClient) -> None:
    session = await commit(store, fresh(), c.Ask("hi"), "c1")
    await commit(store, session, c.Escalate(), "c2")
    before = await _everything(redis)
    with pytest.raises(Conflict):
        await commit(store, session, c.Escalate(), "c3")
    with pytest.raises(Conflict):
        await commit(store, fresh(), c.Ask("as if new"), "c4")
    assert await _everything(redis) == before


async def test_an_older_epoch_is_refused_by_the_commit_itself(
    store: Store, redis: RedisClient
) -> None:
    """SESS-3: also a decision that had the right version would not get its answer stored."""
    session = await commit(store, fresh(), c.Ask("hi"), "c1")
    turn = session.turn
    assert turn is not None
    answer = c.Answer(turn.turn_id, turn.message_id, turn.epoch, "late")
    decision = decide(session, answer, context())
    taken = await commit(store, session, c.Escalate(), "c2")
    forged = replace(session, version=taken.version)
    with pytest.raises(Conflict):
        await store.save(decision, forged, commit_id="c3", now=NOW, day="2026-09-21")


async def test_capacity_is_checked_before_anything_is_written(
    store: Store, redis: RedisClient, keys: Keys
) -> None:
    held: list[Session] = []
    for name in ("s1", "s2"):
        session = await commit(store, fresh(name), c.Escalate(), f"e-{name}")
        held.append(session)
    await commit(store, held[0], c.Takeover(ANN), "t1")
    before = await _everything(redis)
    with pytest.raises(AgentAtCapacity):
        await commit(store, held[1], c.Takeover(ANN), "t2")
    assert await _everything(redis) == before
    assert await redis.scard(keys.load("ann")) == 1


async def _everything(redis: RedisClient) -> dict[str, Any]:
    """All keys of the database as their values."""
    names = sorted(name.decode() for name in (await redis.pipeline([_keys()]))[0])
    return {name: await _value(redis, name) for name in names}


def _keys() -> redis_commands.Command[list[bytes]]:
    return redis_commands.Command(("KEYS", "*"), lambda reply: reply)


async def _value(redis: RedisClient, name: str) -> Any:
    dump = redis_commands.Command(("DUMP", name), lambda reply: reply)
    return (await redis.pipeline([dump]))[0]


async def test_twenty_thousand_bytes_of_message_and_a_thousand_entries_stay_readable(
    store: Store,
) -> None:
    session = await commit(store, fresh(), c.Escalate(), "c0")
    for number in range(40):
        session = await commit(store, session, c.Say("字" * 5000), f"c{number + 1}")
    found = (await store.get("s1")).session
    assert found is not None
    assert found.seq == session.seq


async def test_exactly_one_of_many_racing_agents_wins(redis: RedisClient, keys: Keys) -> None:
    await race(redis, keys, rounds=40)


@pytest.mark.reliability
@pytest.mark.timeout(1800)
async def test_ten_thousand_takeover_races(redis: RedisClient, keys: Keys) -> None:
    """R5, on the store; over HTTP and two replicas in tests/e2e."""
    await race(redis, keys, rounds=10_000)


async def race(redis: RedisClient, keys: Keys, *, rounds: int) -> None:
    store = Store(redis, keys)
    agents = [c.Actor(f"a{n}", f"Agent {n}", "agent", 1_000_000) for n in range(5)]
    for number in range(rounds):
        session = await commit(store, fresh(f"r{number}"), c.Escalate(), f"e{number}")

        async def take(agent: c.Actor, session: Session = session, number: int = number) -> bool:
            try:
                await commit(store, session, c.Takeover(agent), f"t{number}-{agent.id}")
            except Conflict:
                return False
            return True

        won = await asyncio.gather(*(take(agent) for agent in agents))
        assert won.count(True) == 1
        holders = await asyncio.gather(
            *(redis.sismember(keys.load(agent.id), session.name) for agent in agents)
        )
        assert holders == won
    taken = [
        fields
        for _, fields in await redis.xrange(keys.bus())
        if fields[b"type"] == b"session.status_changed" and fields[b"status"] == b"manual_live"
    ]
    assert len(taken) == rounds


@pytest.fixture
async def full(tmp_path: Path) -> AsyncIterator[RedisClient]:
    """A server that has run out of memory."""
    server = Server(tmp_path, options=("--maxmemory", "20mb", "--save", "", "--appendonly", "no"))
    server.start()
    client = RedisClient.open(server.url())
    try:
        yield client
    finally:
        await client.close()
        server.stop()


async def test_when_redis_is_full_takeover_and_release_still_work(
    full: RedisClient, keys: Keys
) -> None:
    store = Store(full, keys)
    session = await commit(store, fresh(), c.Escalate(), "c1")
    limit = redis_commands.Command(("CONFIG", "SET", "maxmemory", "1mb"), lambda reply: reply)
    await full.pipeline([limit])
    with pytest.raises(Busy):
        await commit(store, session, c.Say("hello?"), "c2")
    assert (await store.get("s1")).session == session
    session = await commit(store, session, c.Takeover(ANN), "c3", urgent=True)
    session = await commit(store, session, c.Release(ANN), "c4", urgent=True)
    found = (await store.get("s1")).session
    assert found is not None
    assert (found.status, found.version) == ("bot_active", session.version)


@pytest.mark.reliability
async def test_a_commit_costs_little_of_redis(redis: RedisClient, keys: Keys) -> None:
    """Prints what `bench/` quotes; asserts nothing about time."""
    script = load_script("session_commit")
    store = Store(redis, keys)
    session = await commit(store, fresh(), c.Escalate(), "c")
    costs = []
    for number in range(2000):
        decision = decide(session, c.Say("hello, where is my bike?"), context(NOW + number))
        assert _commit_args(decision, session, "x", NOW, "")
        await store.save(
            decision, session, commit_id=f"c{number}", now=NOW + number, day="2026-09-21"
        )
        session = decision.session
    stats = redis_commands.Command(("INFO", "commandstats"), lambda reply: reply)
    text = (await redis.pipeline([stats]))[0].decode()
    line = next(part for part in text.splitlines() if part.startswith("cmdstat_evalsha:"))
    costs.append(float(line.split("usec_per_call=")[1].split(",")[0]))
    print(f"{script.name}: {statistics.mean(costs):.1f} us per call")
