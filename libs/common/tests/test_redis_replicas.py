"""With `wait_replicas` an answer means a replica has it; else the caller is told `Unconfirmed`."""

import asyncio
import contextlib

import pytest
from common.errors import StateUnavailable, Unconfirmed
from common.redis import RedisClient
from common.redis.scripts import script_of
from common.testing.server import replicated_pair

ONCE = script_of(
    "once",
    "if redis.call('EXISTS', KEYS[1]) == 1 then return 'known' end"
    " redis.call('SET', KEYS[1], 1) return 'new'",
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with replicated_pair(tmp_path_factory.mktemp("pair")) as both:
        yield both


async def _open(pair, *, timeout_seconds: float = 1.0):
    return RedisClient.open(pair[0].url() + "?wait_replicas=1", timeout_seconds=timeout_seconds)


async def test_confirmed_writes_are_on_the_replica(pair):
    client = await _open(pair, timeout_seconds=20.0)
    await asyncio.gather(*(client.set(f"{{t}}{n}", n) for n in range(300)))
    assert pair[1].ask("EXISTS", *(f"{{t}}{n}" for n in range(300))) == 300
    await client.close()


async def test_a_write_the_replica_does_not_have_is_unconfirmed_and_reads_go_on(pair, until):
    client = await _open(pair)
    await client.ping()
    pair[1].freeze()
    try:
        with pytest.raises(Unconfirmed):
            await client.set("{t}parted", 1)
        assert await client.get("{t}parted") == b"1"
    finally:
        pair[1].thaw()

    async def is_confirmed() -> bool:
        with contextlib.suppress(Unconfirmed, StateUnavailable):
            return await client.set("{t}parted", 2)
        return False

    await until(is_confirmed)
    await client.close()


async def test_an_answer_found_by_its_idempotency_id_is_confirmed_too(pair, until):
    """On a new connection nothing was written, and WAIT alone would say yes to that."""
    first = await _open(pair)
    await first.ping()
    pair[1].freeze()
    try:
        with pytest.raises(Unconfirmed):
            await first.run(ONCE, ["{t}once"], [])
        second = await _open(pair)
        with pytest.raises(Unconfirmed):
            await second.run(ONCE, ["{t}once"], [])
    finally:
        pair[1].thaw()

    async def is_confirmed() -> bool:
        with contextlib.suppress(Unconfirmed, StateUnavailable):
            return await second.run(ONCE, ["{t}once"], []) == b"known"
        return False

    await until(is_confirmed)
    await first.close()
    await second.close()


async def test_one_wait_serves_a_whole_batch(pair):
    client = await _open(pair, timeout_seconds=20.0)
    await client.ping()
    pair[0].ask("CONFIG", "RESETSTAT")
    await asyncio.gather(*(client.set(f"{{t}}{n}", n) for n in range(500)))
    stats = pair[0].ask("INFO", "commandstats")
    assert "cmdstat_set:calls=500," in stats
    assert "cmdstat_wait:calls=1," in stats
    await client.close()
