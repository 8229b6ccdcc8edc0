"""Publishing once, sending what may be lost, and the memory of sequence numbers."""

import asyncio
import contextlib

import pytest
from common.bus import Entry, Live, Publisher
from common.bus.gaps import Gaps
from common.clock import system_clock
from common.errors import Busy, StateUnavailable
from common.events import TokensRevoked
from common.ids import new_id
from common.redis import RedisClient
from common.testing.proxy import proxied
from common.testing.server import free_port, running_server

EVENT = TokensRevoked(agent_id="a", not_before=1.0, reason="logout")


@pytest.fixture
def publisher(redis, keys):
    return Publisher(redis, keys, source="auth", clock=lambda: 12.5, new_id=new_id)


async def test_an_entry_is_flat_and_readable(redis, keys, publisher):
    entry_id = await publisher.publish(EVENT, subject="a", event_id="e1", traceparent="00-t-s-01")
    ((found, fields),) = await redis.xrange(keys.bus())
    assert found == entry_id
    assert fields == {
        b"id": b"e1",
        b"type": b"agent.tokens_revoked",
        b"source": b"auth",
        b"subject": b"a",
        b"time": b"12.500",
        b"version": b"1",
        b"data": b'{"agent_id":"a","not_before":1.0,"reason":"logout"}',
        b"traceparent": b"00-t-s-01",
    }
    assert Entry(found, fields).event() == EVENT


async def test_the_same_event_id_is_published_once(redis, keys, publisher):
    first, second = await asyncio.gather(
        publisher.publish(EVENT, subject="a", event_id="same"),
        publisher.publish(EVENT, subject="a", event_id="same"),
    )
    assert first == second
    assert await redis.xlen(keys.bus()) == 1


async def test_a_publish_whose_answer_was_lost_is_not_on_the_bus_twice(redis, keys, redis_url):
    port, database = redis_url.rpartition(":")[2].split("/")
    async with proxied(int(port)) as proxy:
        far = RedisClient.open(f"redis://127.0.0.1:{proxy.port}/{database}", timeout_seconds=2.0)
        publisher = Publisher(far, keys, source="t", clock=system_clock, new_id=new_id)
        await publisher.publish(EVENT, subject="a")
        for n in range(20):
            proxy.cut_on_answer = True
            await publisher.publish(EVENT, subject="a", event_id=f"e{n}")
        await far.close()
        assert proxy.connections > 20
    assert await redis.xlen(keys.bus()) == 21


async def test_canary_a_bare_append_repeated_is_there_twice(redis, keys):
    for _ in range(2):
        await redis.xadd(keys.bus(), {"id": "same"})
    assert await redis.xlen(keys.bus()) == 2


async def test_with_redis_away_publishing_says_so(keys):
    away = RedisClient.open(f"redis://127.0.0.1:{free_port()}", timeout_seconds=0.2)
    publisher = Publisher(away, keys, source="t", clock=system_clock, new_id=new_id)
    with pytest.raises(StateUnavailable):
        await publisher.publish(EVENT, subject="a")
    await Live(away, keys).send("typing", "a", {})  # may be lost, so nobody is told
    await away.close()


async def test_with_redis_full_only_what_is_urgent_is_published(keys, tmp_path):
    with running_server(tmp_path, options=("--maxmemory", "1")) as server:
        client = RedisClient.open(server.url())
        publisher = Publisher(client, keys, source="t", clock=system_clock, new_id=new_id)
        with pytest.raises(Busy):
            await publisher.publish(EVENT, subject="a")
        await publisher.publish(EVENT, subject="a", urgent=True)
        assert await client.xlen(keys.bus()) == 1
        await client.close()


async def test_live_messages_reach_every_process_and_bad_ones_stop_nobody(redis, keys, until):
    heard = {"one": [], "two": []}
    lives = {name: Live(redis, keys) for name in heard}
    for name, live in lives.items():
        live.listen(lambda *words, name=name: heard[name].append(words))

    def fail(*words):
        raise ValueError("mine alone")

    lives["one"].listen(fail)
    tasks = [asyncio.create_task(live.run()) for live in lives.values()]
    for live in lives.values():
        await live.ready()
    await redis.publish(keys.live(), "no json")
    await redis.publish(keys.live(), '{"kind": "half"}')
    await lives["one"].send("typing", "s", {"role": "agent"})
    await lives["two"].send("typing", "s", {"role": "user"})
    expected = [("typing", "s", {"role": "agent"}), ("typing", "s", {"role": "user"})]
    await until(lambda: heard == {"one": expected, "two": expected})
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _entry(session: str, seq: int) -> Entry:
    return Entry("1-0", {b"subject": session.encode(), b"seq": str(seq).encode()})


def test_gaps_are_the_numbers_that_never_came():
    gaps = Gaps()
    assert [gaps.missing(_entry("a", seq)) for seq in (5, 6, 6, 9, 7, 10)] == [0, 0, 0, 2, 0, 0]
    assert gaps.missing(Entry("1-0", {b"subject": b"a"})) == 0


def test_gaps_remember_so_many_sessions_and_no_more():
    gaps = Gaps(sessions=2)
    for session in "abc":
        gaps.missing(_entry(session, 1))
    assert gaps.missing(_entry("a", 9)) == 0  # forgotten
    assert gaps.missing(_entry("c", 9)) == 7
