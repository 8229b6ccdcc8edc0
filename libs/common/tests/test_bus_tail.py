"""The tail: every entry once to every listener, whatever happens to the connection."""

import asyncio
import contextlib

import pytest
from common.bus import Publisher, Tail
from common.clock import system_clock
from common.events import TokensRevoked
from common.ids import new_id
from common.redis import RedisClient, commands, streams
from common.testing.proxy import proxied
from common.testing.server import running_server


@contextlib.asynccontextmanager
async def tailing(redis, keys, **more):
    tail = Tail(redis, keys, clock=system_clock, **more)
    heard = []
    tail.listen(lambda entry: heard.append(entry.event_id))
    task = asyncio.create_task(tail.run())
    try:
        yield tail, heard
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def publish(redis, keys):
    publisher = Publisher(redis, keys, source="test", clock=system_clock, new_id=new_id)

    async def one(event_id: str) -> str:
        event = TokensRevoked(agent_id="a", not_before=1.0, reason="logout")
        return await publisher.publish(event, subject="a", event_id=event_id)

    return one


async def test_it_starts_at_the_newest_and_hears_all_after(redis, keys, publish, until):
    await publish("before")
    async with tailing(redis, keys) as (tail, heard):
        await tail.ready()
        for n in range(700):  # more than one read
            await publish(str(n))
        await until(lambda: len(heard) == 700)
    assert heard == [str(n) for n in range(700)]


async def test_lingering_for_company_it_hears_all_the_same(redis, keys, publish, until):
    async with tailing(redis, keys, linger_seconds=0.05) as (tail, heard):
        await tail.ready()
        for n in range(50):
            await publish(str(n))
        await until(lambda: len(heard) == 50)
    assert heard == [str(n) for n in range(50)]


async def test_with_a_replay_it_is_ready_only_when_the_past_was_heard(redis, keys, publish):
    for n in range(600):
        await publish(str(n))
    async with tailing(redis, keys, replay_seconds=60) as (tail, heard):
        await tail.ready()
        assert heard == [str(n) for n in range(600)]


async def test_on_an_empty_bus_it_is_ready_too(redis, keys, publish, until):
    async with tailing(redis, keys, replay_seconds=60) as (tail, heard):
        await tail.ready()
        await publish("first")
        await until(lambda: heard == ["first"])


async def test_a_replay_of_an_empty_or_old_bus_looks_like_no_loss(redis, keys, publish, until):
    """The instant it replays from lies above the newest entry; that is not a bus that was lost."""
    for news in ("first", "second"):
        resets = []
        async with tailing(redis, keys, replay_seconds=1e-9) as (tail, heard):
            tail.listen_resets(lambda resets=resets: resets.append(1))
            await tail.ready()
            await tail._check()
            assert resets == []
            await publish(news)
            await until(lambda heard=heard, news=news: heard == [news])


async def test_one_reader_serves_all_listeners_and_a_failing_one_stops_nobody(
    redis, keys, publish, until
):
    async with tailing(redis, keys) as (tail, heard):
        others = []

        def fail(entry):
            raise ValueError("mine alone")

        tail.listen(fail)
        stop = tail.listen(lambda entry: others.append(entry.event_id))
        await tail.ready()
        await publish("one")
        await until(lambda: heard == ["one"] and others == ["one"])
        stop()
        await publish("two")
        await until(lambda: heard == ["one", "two"])
        assert others == ["one"]
        assert tail.gauges.errors.total == 2


async def test_while_the_bus_cannot_be_heard_it_says_since_when(keys, until, tmp_path):
    with running_server(tmp_path) as server:
        client = RedisClient.open(server.url(), timeout_seconds=2.0)
        async with tailing(client, keys) as (tail, _):
            await tail.ready()
            await until(lambda: tail.failing_for(system_clock()) == 0.0)
            server.freeze()
            await until(lambda: tail.failing_for(system_clock()) > 1.0)
            server.thaw()
            await until(lambda: tail.failing_for(system_clock()) == 0.0)
        await client.close()


async def test_nothing_is_missed_over_cut_connections(redis, keys, publish, until, redis_url):
    port = int(redis_url.rpartition(":")[2].split("/")[0])
    database = redis_url.rpartition("/")[2]
    async with proxied(port) as proxy:
        far = RedisClient.open(f"redis://127.0.0.1:{proxy.port}/{database}", timeout_seconds=2.0)
        async with tailing(far, keys) as (tail, heard):
            await tail.ready()
            for n in range(60):
                await publish(str(n))
                if n % 20 == 10:
                    proxy.cut()
            await until(lambda: len(heard) == 60)
            assert heard == [str(n) for n in range(60)]
        await far.close()


async def test_a_flushed_bus_is_told_to_reset_listeners(redis, keys, publish, until):
    """R9."""
    async with tailing(redis, keys) as (tail, heard):
        resets = []
        tail.listen_resets(lambda: resets.append(1))
        await tail.ready()
        await publish("one")
        await publish("two")
        await until(lambda: heard == ["one", "two"])

        async def checked() -> bool:
            return tail._written == 2

        await until(checked)
        await redis.delete(keys.bus())
        await publish("three")
        await until(lambda: len(resets) == 1)
        await until(lambda: heard == ["one", "two", "three"])


async def test_a_restored_older_bus_is_heard_from_where_it_ends(redis, keys, publish, until):
    async with tailing(redis, keys) as (tail, heard):
        resets = []
        tail.listen_resets(lambda: resets.append(1))
        await tail.ready()
        await publish("one")
        await until(lambda: heard == ["one"])
        # in one step, as a restore is: of an empty bus it would hear the old entry too
        older = streams.xadd(keys.bus(), {"id": "old"}, entry_id="5-0")
        await redis.transaction([commands.delete(keys.bus()), older])
        await until(lambda: len(resets) == 1)
        await redis.xadd(keys.bus(), {"id": "new"}, entry_id="6-0")
        await until(lambda: heard == ["one", "new"])


async def test_gaps_in_a_sessions_numbers_are_counted(redis, keys, until):
    async with tailing(redis, keys) as (tail, heard):
        await tail.ready()
        for sid, seq in (("x", 7), ("x", 8), ("x", 11), ("x", 10), ("y", 1), ("y", 2)):
            await redis.xadd(keys.bus(), {"id": "e", "subject": "a", "sid8": sid, "seq": seq})
        await until(lambda: len(heard) == 6)
        assert tail.gauges.gaps.total == 2
