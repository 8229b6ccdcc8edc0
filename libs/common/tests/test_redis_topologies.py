"""Sentinel and Cluster are configuration: the same client finds the master, and finds it again."""

import asyncio
import contextlib

import pytest
from common.errors import StateUnavailable
from common.redis import Keys, RedisClient, streams
from common.redis.scripts import script_of
from common.testing.server import Server, cluster_url, replicated_pair, three_masters

ECHO = script_of("echo", "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])")


@pytest.fixture(scope="module")
def masters(tmp_path_factory):
    with three_masters(tmp_path_factory.mktemp("cluster")) as servers:
        yield servers


@pytest.mark.parametrize("tag", ["kefu", "de", "fr", "it", "nl"])
async def test_on_a_cluster_the_owner_of_our_slot_is_found(masters, tag):
    keys = Keys(tag)
    client = RedisClient.open(cluster_url(masters))
    answers = await asyncio.gather(
        *(client.run(ECHO, [keys.session(str(n))], [n]) for n in range(50))
    )
    assert answers == [str(n).encode() for n in range(50)]
    reader = client.blocking()
    entry = await client.xadd(keys.bus(), {"a": "b"})
    assert await reader.xread({keys.bus(): "0"}, block_ms=100) == {
        keys.bus(): [(entry, {b"a": b"b"})]
    }
    await client.close()


async def test_on_a_cluster_a_transaction_sent_to_the_wrong_node_is_done_once(masters):
    bus = Keys("wrong-node").bus()
    for server in masters:
        client = RedisClient.open(f"redis+cluster://127.0.0.1:{server.port}")
        added, acknowledged = await client.transaction(
            [streams.xadd(bus, {"a": "b"}), streams.xack(bus, "nobody", "1-0")]
        )
        assert (added > "0", acknowledged) == (True, 0)
        await client.close()
    client = RedisClient.open(cluster_url(masters))
    assert await client.xlen(bus) == 3
    await client.close()


async def test_on_a_cluster_messages_reach_subscribers_on_any_node(masters, until):
    heard = []
    listeners = [RedisClient.open(f"redis+cluster://127.0.0.1:{m.port}") for m in masters]
    opened = []

    async def listen(client: RedisClient) -> None:
        async for message in client.subscribe("{kefu}:live", on_open=lambda: opened.append(1)):
            heard.append(message)  # noqa: PERF401  # it never ends

    tasks = [asyncio.create_task(listen(client)) for client in listeners]
    await until(lambda: len(opened) == 3)
    await listeners[0].publish("{kefu}:live", "hello")
    await until(lambda: heard == [b"hello"] * 3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for client in listeners:
        await client.close()


async def test_a_promoted_replica_is_found_through_the_sentinel(tmp_path, until):
    with (
        replicated_pair(tmp_path / "pair") as (master, replica),
        _sentinel(tmp_path, master) as sentinel,
    ):
        url = f"redis+sentinel://127.0.0.1:{sentinel.port}/kefu"
        client = RedisClient.open(url, timeout_seconds=2.0)
        await client.set("{t}a", "before")
        master.kill()
        await until(lambda: sentinel.ask(*_MASTER)[1] == str(replica.port))

        async def written() -> bool:
            with contextlib.suppress(StateUnavailable):
                return await client.set("{t}b", "after")
            return False

        await until(written)
        assert await client.get("{t}a") == b"before"
        assert replica.ask("GET", "{t}b") == "after"
        await client.close()
        master.start()  # the pair's end stops it in order


_MASTER = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "kefu")


@contextlib.contextmanager
def _sentinel(directory, master: Server):
    config = directory / "sentinel.conf"
    config.write_text(
        f"sentinel monitor kefu 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds kefu 500\n"
        "sentinel failover-timeout kefu 2000\n"
    )
    server = Server(directory / "sentinel", sentinel_config=config)
    server.start()
    try:
        yield server
    finally:
        server.stop()
