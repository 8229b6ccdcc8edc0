"""Retention: old and acknowledged by all, or it stays."""

import asyncio
import contextlib

import pytest
from common.bus import Consumer, Retention
from common.clock import system_clock
from common.events import TurnFailed
from common.redis.command import Command

GROUPS = ("session-state", "notifier")
HOUR = 3600.0


class Later:
    """A clock that is ahead of the server's by so many seconds."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    def __call__(self) -> float:
        return system_clock() + self.ahead


@pytest.fixture
def retention(redis, keys):
    def build(ahead: float = 2 * HOUR, **more) -> Retention:
        return Retention(redis, keys, clock=Later(ahead), groups=GROUPS, **more)

    return build


async def _fill(redis, keys, count: int) -> list[str]:
    adding = (redis.xadd(keys.bus(), {"id": str(n), "type": "x"}) for n in range(count))
    return await asyncio.gather(*adding)


async def _read_all(redis, keys, group: str, *, ack: bool = True) -> list[str]:
    streams = await redis.xreadgroup(group, "c", {keys.bus(): ">"}, count=100_000)
    ids = [row[0] for row in streams[keys.bus()]]
    if ack:
        await redis.xack(keys.bus(), group, *ids)
    return ids


async def test_what_all_acknowledged_and_is_old_goes(redis, keys, retention):
    await _fill(redis, keys, 1000)
    for group in GROUPS:
        await redis.xgroup_create(keys.bus(), group)
        await _read_all(redis, keys, group)
    assert await retention().sweep() >= 900  # whole nodes only
    assert await redis.xlen(keys.bus()) <= 100


async def test_what_is_young_stays_however_acknowledged(redis, keys, retention):
    await _fill(redis, keys, 1000)
    for group in GROUPS:
        await redis.xgroup_create(keys.bus(), group)
        await _read_all(redis, keys, group)
    assert await retention(ahead=0.9 * HOUR).sweep() == 0
    assert await redis.xlen(keys.bus()) == 1000


async def test_nothing_goes_while_a_declared_group_is_missing(redis, keys, retention):
    await _fill(redis, keys, 1000)
    await redis.xgroup_create(keys.bus(), "session-state")
    await _read_all(redis, keys, "session-state")
    keeper = retention()
    assert await keeper.sweep() == 0
    assert keeper.gauges.alarms.total == 1
    assert await redis.xlen(keys.bus()) == 1000


async def test_what_a_group_has_not_read_stays(redis, keys, retention):
    ids = await _fill(redis, keys, 1000)
    for group in GROUPS:
        await redis.xgroup_create(keys.bus(), group)
    await _read_all(redis, keys, "session-state")
    streams = await redis.xreadgroup("notifier", "c", {keys.bus(): ">"}, count=300)
    read = [row[0] for row in streams[keys.bus()]]
    await redis.xack(keys.bus(), "notifier", *read)
    await retention().sweep()
    left = [row[0] for row in await redis.xrange(keys.bus())]
    assert set(ids[300:]) <= set(left)
    assert len(left) < 1000


async def test_what_a_group_read_but_did_not_acknowledge_stays(redis, keys, retention):
    ids = await _fill(redis, keys, 1000)
    for group in GROUPS:
        await redis.xgroup_create(keys.bus(), group)
        await _read_all(redis, keys, group, ack=group == "session-state")
    await redis.xack(keys.bus(), "notifier", *ids[:400], *ids[401:])
    await retention().sweep()
    left = {row[0] for row in await redis.xrange(keys.bus())}
    assert set(ids[400:]) <= left
    assert len(left) < 1000


async def test_an_empty_bus_is_no_trouble(retention):
    assert await retention().sweep() == 0


async def test_a_slow_group_loses_nothing_while_retention_runs(redis, keys, until, retention):
    """R16."""
    for group in GROUPS:
        await redis.xgroup_create(keys.bus(), group)
    keeper = asyncio.create_task(retention(every_seconds=0.01).run())
    seen: list[str] = []
    ids: list[str] = []
    for _ in range(20):
        ids += await _fill(redis, keys, 500)
        await _read_all(redis, keys, "session-state")
        streams = await redis.xreadgroup("notifier", "c", {keys.bus(): ">"}, count=150)
        batch = [row[0] for row in streams[keys.bus()]]
        await redis.xack(keys.bus(), "notifier", *batch)
        seen += batch
    seen += await _read_all(redis, keys, "notifier")
    assert seen == ids

    async def trimmed() -> bool:
        return await redis.xlen(keys.bus()) <= 100

    await until(trimmed)
    keeper.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeper


async def test_canary_with_maxlen_a_slow_group_loses_what_it_did_not_read(redis, keys):
    await redis.xgroup_create(keys.bus(), "notifier")
    ids = await _fill(redis, keys, 1000)
    await redis.pipeline([Command(("XTRIM", keys.bus(), "MAXLEN", 100), lambda reply: reply)])
    assert len(await _read_all(redis, keys, "notifier")) < len(ids)
    # and Redis's own lag says that all is well
    assert (await redis.xinfo_groups(keys.bus()))[0]["lag"] == 0


async def test_dead_letters_go_after_fourteen_days(redis, keys, retention):
    await redis.xgroup_create(keys.bus(), "session-state")
    await redis.xadd(keys.dead("session-state"), {"id": "x"})
    await retention(ahead=13 * 86400).sweep()
    assert await redis.xlen(keys.dead("session-state")) == 1
    await retention(ahead=15 * 86400).sweep()
    assert await redis.xlen(keys.dead("session-state")) == 0


async def test_of_several_replicas_one_takes_the_turn(redis, keys, retention):
    one, two = retention(every_seconds=60), retention(every_seconds=60)
    assert [await one._take_turn(), await two._take_turn()] == [True, False]


async def test_a_consumer_that_starts_late_finds_all(redis, keys, retention, until):
    """Declared and missing: retention waits for it."""
    await _fill(redis, keys, 300)
    await redis.xgroup_create(keys.bus(), "notifier")
    await _read_all(redis, keys, "notifier")
    await retention().sweep()

    async def ignore(event, entry): ...

    consumer = Consumer(
        redis,
        keys,
        group="session-state",
        consumer="late",
        handlers={TurnFailed: ignore},
        clock=system_clock,
    )
    task = asyncio.create_task(consumer.run())
    await until(lambda: consumer.gauges.passed.total == 300)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
