"""Redis as services use it: answers or a 503, nobody gets another's reply, nothing twice."""

import asyncio
import contextlib
import random

import pytest
from common.errors import Busy, StateUnavailable
from common.redis import RedisClient, Refused, commands
from common.redis.command import Command, nothing
from common.redis.scripts import script_of
from common.redis.wire import MAX_IN_FLIGHT
from common.testing.proxy import proxied
from common.testing.server import Server, running_server
from common.testing.waiting import PATIENCE_SECONDS

ECHO = script_of("echo", "return ARGV[1]")
APPEND = script_of("append", "return redis.call('RPUSH', KEYS[1], ARGV[1])")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One that a test may freeze or fill; the shared one is everybody's."""
    with running_server(tmp_path_factory.mktemp("own"), options=("--appendfsync", "no")) as own:
        yield own


@pytest.fixture
async def client(server: Server):
    server.ask("FLUSHALL")
    own = RedisClient.open(server.url(), timeout_seconds=20.0)
    yield own
    await own.close()


@pytest.fixture
async def hasty(server: Server):
    """Takes half a second of silence for an absence."""
    own = RedisClient.open(server.url(), timeout_seconds=0.5)
    yield own
    await own.close()


async def test_typed_commands_give_back_what_they_say(redis):
    await redis.set("{t}s", "value", ex=60)
    assert await redis.get("{t}s") == b"value"
    assert await redis.set("{t}s", "other", nx=True) is False
    assert 0 < await redis.ttl("{t}s") <= 60
    assert await redis.exists("{t}s") is True
    assert await redis.incr("{t}n") == 1
    assert await redis.delete("{t}n", "{t}none") == 1


async def test_hashes_sets_lists_and_sorted_sets_read_as_python(redis):
    await redis.hset("{t}h", {"a": 1, "b": "zwei", "c": b"\xff"})
    assert await redis.hgetall("{t}h") == {b"a": b"1", b"b": b"zwei", b"c": b"\xff"}
    assert await redis.hmget("{t}h", ["a", "x"]) == [b"1", None]
    assert await redis.zadd("{t}z", {"x": 1.5, "y": 1795259025.343}) == 2
    assert await redis.zrange_scored("{t}z", 0, -1) == [(b"x", 1.5), (b"y", 1795259025.343)]
    assert await redis.zrangebyscore("{t}z", "(1.5", "+inf") == [b"y"]
    assert await redis.zrangebyscore_scored("{t}z", "-inf", 2, count=5) == [(b"x", 1.5)]
    assert await redis.zrevrange("{t}z", 0, 0) == [b"y"]
    assert await redis.zscore("{t}z", "none") is None
    assert await redis.zcard("{t}z") == 2
    await redis.pipeline([Command(("SADD", "{t}m", "a", "b"), nothing)])
    assert await redis.sismember("{t}m", "a") is True
    assert sorted(await redis.smembers("{t}m")) == [b"a", b"b"]
    assert await redis.rpush("{t}l", "1", "2", "3") == 3
    assert await redis.lrange("{t}l", 1, -1) == [b"2", b"3"]


async def test_stream_commands_read_as_entries(redis):
    first = await redis.xadd("{t}x", {"a": "1"})
    second = await redis.xadd("{t}x", {b"a": b"2"})
    assert await redis.xrange("{t}x", f"({first}") == [(second, {b"a": b"2"})]
    assert await redis.xrevrange("{t}x", count=1) == [(second, {b"a": b"2"})]
    await redis.xgroup_create("{t}x", "g")
    read = await redis.xreadgroup("g", "me", {"{t}x": ">"}, count=10)
    assert [row[0] for row in read["{t}x"]] == [first, second]
    pending = await redis.xpending_range("{t}x", "g")
    assert [(row[0], row[1], row[3]) for row in pending] == [(first, "me", 1), (second, "me", 1)]
    claimed = await redis.xclaim("{t}x", "g", "you", min_idle_ms=0, entry_ids=[first])
    assert claimed == [(first, {b"a": b"1"})]
    assert await redis.xack("{t}x", "g", first, second) == 2
    assert (await redis.xinfo_groups("{t}x"))[0]["pending"] == 0
    assert await redis.xread({"{t}x": second}) == {}


async def test_a_refusal_carries_its_code(redis):
    await redis.xgroup_create("{t}x", "g")
    with pytest.raises(Refused) as refused:
        await redis.xgroup_create("{t}x", "g")
    assert refused.value.code == "BUSYGROUP"


async def test_a_script_is_loaded_again_after_the_server_forgot_it(client, server):
    assert await client.run(ECHO, [], ["a"]) == b"a"
    server.ask("SCRIPT", "FLUSH")
    assert await client.run(ECHO, [], ["b"]) == b"b"


async def test_a_scripts_own_error_reaches_the_caller(redis):
    script = script_of("own", "return redis.error_reply('CONFLICT version 3')")
    with pytest.raises(Refused, match="CONFLICT version 3") as refused:
        await redis.run(script, [], [])
    assert refused.value.code == "CONFLICT"


async def test_a_transaction_is_whole_among_many_callers(redis):
    async def three() -> list[int]:
        return await redis.transaction([commands.incr("{t}n")] * 3)

    answers = await asyncio.gather(*(three() for _ in range(200)))
    assert all(b == a + 1 and c == b + 1 for a, b, c in answers)


async def test_callers_share_one_connection(client, server, until):
    await asyncio.gather(*(client.set(f"{{t}}{n}", n) for n in range(500)))
    got = await asyncio.gather(*(client.get(f"{{t}}{n}") for n in range(500)))
    assert got == [str(n).encode() for n in range(500)]
    # it and this question; those of the test before may still be leaving
    await until(lambda: "connected_clients:2\r" in server.ask("INFO", "clients"))


async def test_no_cancelled_command_gives_its_reply_to_another(client):
    """R14: 12,000 commands cancelled at random moments, 0 wrong replies."""
    rng = random.Random(14)
    wrong = cancelled = 0

    async def ask(number: int) -> None:
        nonlocal wrong
        if await client.run(ECHO, [], [number]) != str(number).encode():
            wrong += 1

    while cancelled < 12_000:
        tasks = [asyncio.create_task(ask(cancelled * 200 + n)) for n in range(200)]
        for _ in range(rng.randrange(4)):
            await asyncio.sleep(0)
        for task in rng.sample(tasks, 100):
            cancelled += task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert wrong == 0


async def test_a_cancelled_blocking_read_takes_its_connection_with_it(client):
    reader = client.blocking()
    read = asyncio.create_task(reader.xread({"{t}x": "$"}, block_ms=900))
    while not read.done() and (await client.info("clients"))["blocked_clients"] == "0":
        await asyncio.sleep(0)
    read.cancel()
    await asyncio.gather(read, return_exceptions=True)
    assert await reader.get("{t}none") is None


async def test_a_command_that_may_have_been_applied_is_not_sent_again(server, client):
    async with proxied(server.port) as proxy:
        far = RedisClient.open(f"redis://127.0.0.1:{proxy.port}", timeout_seconds=20.0)
        await far.ping()
        proxy.cut_on_answer = True
        with pytest.raises(StateUnavailable):
            await far.rpush("{t}once", "x")
        await far.run(APPEND, ["{t}other"], ["the script is loaded now"])
        proxy.cut_on_answer = True
        with pytest.raises(StateUnavailable):
            await far.run(APPEND, ["{t}once"], ["y"], retry=False)
        assert await client.lrange("{t}once", 0, -1) == [b"x", b"y"]
        # what may be repeated is: the canary for the two above
        await far.ping()
        proxy.cut_on_answer = True
        assert await far.run(APPEND, ["{t}twice"], ["x"]) == 2
        await far.close()


async def answers_again(client: RedisClient) -> bool:
    with contextlib.suppress(StateUnavailable):
        await client.ping()
        return True
    return False


async def test_a_silent_server_is_a_503_and_back_when_it_speaks(server, client, until):
    async with proxied(server.port) as proxy:
        far = RedisClient.open(f"redis://127.0.0.1:{proxy.port}", timeout_seconds=0.5)
        await until(lambda: answers_again(far))
        proxy.silent = True
        with pytest.raises(StateUnavailable):
            await far.get("{t}a")
        proxy.silent = False
        await until(lambda: answers_again(far))
        await far.close()


async def test_a_frozen_server_gives_only_503s(server, client, hasty, until):
    await client.set("{t}a", 1)
    server.freeze()
    try:
        answers = await asyncio.gather(
            *(hasty.get("{t}a") for _ in range(50)), return_exceptions=True
        )
    finally:
        server.thaw()
    assert all(isinstance(answer, StateUnavailable) for answer in answers)
    await until(lambda: answers_again(hasty))


async def test_a_server_killed_in_the_middle_is_waited_for(server, client):
    await client.set("{t}n", 0)
    done = asyncio.Event()

    async def work() -> int:
        answered = 0
        while not done.is_set():
            try:
                await client.get("{t}n")
                answered += 1
            except StateUnavailable:
                pass
        return answered

    workers = [asyncio.create_task(work()) for _ in range(20)]
    for _ in range(3):
        assert await client.get("{t}n") == b"0"
        server.kill()
        server.start()
    assert await client.get("{t}n") == b"0"
    done.set()
    assert min(await asyncio.gather(*workers)) > 0


async def test_nobody_there_is_a_503_in_bounded_time(hasty, server, until):
    server.stop()
    try:
        with pytest.raises(StateUnavailable):
            await hasty.get("{t}a")
    finally:
        server.start()
    await until(lambda: answers_again(hasty))


async def test_a_full_server_says_busy_but_what_may_go_on_does(client, server):
    text = "return redis.call('SET', KEYS[1], 'x')"
    urgent = script_of("urgent", "#!lua flags=allow-oom\n" + text)
    server.ask("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(Busy):
            await client.set("{t}a", 1)
        with pytest.raises(Busy):
            await client.run(script_of("ordinary", text), ["{t}a"], [])
        assert await client.run(urgent, ["{t}a"], []) == b"OK"
        assert await client.get("{t}a") == b"x"
    finally:
        server.ask("CONFIG", "SET", "maxmemory", 0)


async def test_a_read_only_server_is_a_503_until_it_may_write(client, hasty, server):
    server.ask("REPLICAOF", "127.0.0.1", 1)
    try:
        with pytest.raises(StateUnavailable):
            await hasty.set("{t}a", 1)
    finally:
        server.ask("REPLICAOF", "NO", "ONE")
    assert await client.set("{t}a", 1) is True


async def test_too_much_in_flight_is_refused_and_the_rest_answered(client):
    await client.ping()
    asked = [client.get("{t}a") for _ in range(MAX_IN_FLIGHT + 50)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, Busy) for answer in answers) == 50
    assert answers.count(None) == MAX_IN_FLIGHT


async def test_wrong_credentials_are_a_503_and_never_shown(server, caplog):
    server.ask("CONFIG", "SET", "requirepass", "right-one")
    try:
        wrong = RedisClient.open(f"redis://:wrong-one@127.0.0.1:{server.port}", timeout_seconds=0.2)
        with pytest.raises(StateUnavailable):
            await wrong.get("{t}a")
        await wrong.close()
        right = RedisClient.open(f"redis://:right-one@127.0.0.1:{server.port}/3")
        assert await right.get("{t}a") is None
        await right.close()
    finally:
        server.ask_all(("AUTH", "right-one"), ("CONFIG", "SET", "requirepass", ""))
    assert "wrong-one" not in caplog.text


async def test_a_closed_client_answers_503(client):
    await client.ping()
    await client.close()
    with pytest.raises(StateUnavailable):
        await client.ping()


async def test_a_subscription_comes_back_after_its_connection_was_cut(server, client, until):
    async with proxied(server.port) as proxy:
        far = RedisClient.open(f"redis://127.0.0.1:{proxy.port}", timeout_seconds=20.0)
        opened, heard = [], []

        async def listen() -> None:
            async for message in far.subscribe("{t}c", on_open=lambda: opened.append(1)):
                heard.append(message)  # noqa: PERF401  # it never ends

        task = asyncio.create_task(listen())
        await until(lambda: len(opened) == 1)
        await client.publish("{t}c", "one")
        await until(lambda: heard == [b"one"])
        proxy.cut()
        await until(lambda: len(opened) == 2)
        await client.publish("{t}c", "two")
        await until(lambda: heard == [b"one", b"two"])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await far.close()


async def test_nothing_asked_is_answered_at_once_by_nothing(redis: RedisClient):
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await redis.pipeline([]) == []
