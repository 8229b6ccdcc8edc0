"""Consumer groups: every event at least once, in its session's order, and never for ever."""

import asyncio
import contextlib
import itertools
from collections import defaultdict

import pytest
from common.bus import Consumer, Entry, Publisher
from common.clock import system_clock
from common.errors import StateUnavailable
from common.events import MailSent, TurnAnswered, TurnFailed
from common.ids import new_id
from common.redis import Keys, RedisClient
from common.redis.command import Command
from common.redis.streams import xadd, xreadgroup
from common.testing.bus import deliver_again, twice
from common.testing.server import running_server

GROUP = "session-state"


def failed(session: str, turn: int) -> TurnFailed:
    return TurnFailed(session_name=session, turn_id=str(turn), epoch=1, reason="upstream")


@pytest.fixture
def publisher(redis, keys):
    return Publisher(redis, keys, source="test", clock=system_clock, new_id=new_id)


class Applied:
    """What a handler was given, by session; the first telling of an event only."""

    def __init__(self) -> None:
        self.turns = defaultdict(list)
        self.deliveries = 0

    async def __call__(self, event: TurnFailed, entry: Entry) -> None:
        self.deliveries += 1
        await asyncio.sleep(0)
        if event.turn_id not in self.turns[entry.subject]:
            self.turns[entry.subject].append(event.turn_id)


@contextlib.asynccontextmanager
async def consuming(redis: RedisClient, handlers, *, name: str = "one", **more):
    more = {"claim_idle_seconds": 0.4, "pause_seconds": 0.01, **more}
    consumer = Consumer(
        redis, Keys(), group=GROUP, consumer=name, handlers=handlers, clock=system_clock, **more
    )
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def pending(redis: RedisClient, keys: Keys) -> int:
    return (await redis.xinfo_groups(keys.bus()))[0]["pending"]


async def test_what_was_published_before_the_first_start_is_applied(redis, keys, publisher, until):
    await publisher.publish(failed("a", 1), subject="a")
    applied = Applied()
    async with consuming(redis, twice({TurnFailed: applied})):
        await until(lambda: applied.turns["a"] == ["1"])
        await until(lambda: applied.deliveries == 2)

        async def settled() -> bool:
            return await pending(redis, keys) == 0

        await until(settled)


async def test_a_sessions_events_keep_their_order_while_sessions_run_side_by_side(
    redis, publisher, until
):
    applied, at_once, most = Applied(), 0, 0

    async def slowly(event, entry):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        for _ in range(3):
            await asyncio.sleep(0)
        await applied(event, entry)
        at_once -= 1

    for turn, session in itertools.product(range(20), "abcdefgh"):
        await publisher.publish(failed(session, turn), subject=session)
    async with consuming(redis, {TurnFailed: slowly}, concurrency=4):
        await until(lambda: applied.deliveries == 160)
    assert all(turns == [str(n) for n in range(20)] for turns in applied.turns.values())
    assert 1 < most <= 4


async def test_everything_delivered_a_second_time_changes_nothing(redis, keys, publisher, until):
    applied = Applied()
    for turn in range(50):
        await publisher.publish(failed("a", turn), subject="a")
    async with consuming(redis, {TurnFailed: applied}):
        await until(lambda: applied.deliveries == 50)
        await deliver_again(redis, keys, group=GROUP)
        await until(lambda: applied.deliveries == 100)
    assert applied.turns["a"] == [str(n) for n in range(50)]


async def test_events_of_other_kinds_are_acknowledged_and_passed_over(
    redis, keys, publisher, until
):
    applied = Applied()
    mail = MailSent(session_name="a", escalation_id="e", message_id="m", email_to=[], sent_at=1.0)
    await publisher.publish(mail, subject="a")
    await redis.xadd(keys.bus(), {"type": "from.the_future", "subject": "a", "data": "{}"})
    await publisher.publish(failed("a", 1), subject="a")
    async with consuming(redis, {TurnFailed: applied}) as consumer:
        await until(lambda: applied.turns["a"] == ["1"])

        async def settled() -> bool:
            return await pending(redis, keys) == 0

        await until(settled)
        assert consumer.gauges.passed.total == 2
    assert await redis.xlen(keys.dead(GROUP)) == 0


async def test_a_poison_event_is_put_aside_after_five_and_the_others_go_on(
    redis, keys, publisher, until
):
    """R15."""
    applied, tries = Applied(), 0

    async def choosy(event, entry):
        nonlocal tries
        if event.turn_id == "99":
            tries += 1
            raise ValueError("unlucky")
        await applied(event, entry)

    poison = await publisher.publish(failed("bad", 99), subject="bad", event_id="poison")
    await publisher.publish(failed("bad", 100), subject="bad")
    for turn in range(20):
        await publisher.publish(failed("good", turn), subject="good")
    async with consuming(redis, {TurnFailed: choosy}) as consumer:
        await until(lambda: consumer.gauges.dead.total == 1)
        await until(lambda: applied.turns["bad"] == ["100"] and len(applied.turns["good"]) == 20)
    assert tries == 5
    ((_, letter),) = await redis.xrange(keys.dead(GROUP))
    assert letter[b"origin"] == poison.encode()
    assert letter[b"reason"] == b"ValueError: unlucky"
    assert (letter[b"id"], letter[b"deliveries"]) == (b"poison", b"5")
    assert await pending(redis, keys) == 0


async def test_what_can_never_be_read_is_put_aside_at_once(redis, keys, until):
    applied = Applied()
    fields = {"id": "e1", "type": "turn.failed", "subject": "a", "data": '{"half":'}
    await redis.xadd(keys.bus(), fields)
    async with consuming(redis, {TurnFailed: applied}) as consumer:
        await until(lambda: consumer.gauges.dead.total == 1)
    ((_, letter),) = await redis.xrange(keys.dead(GROUP))
    assert letter[b"reason"] == b"undecodable: turn.failed"
    assert letter[b"deliveries"] == b"1"
    assert applied.deliveries == 0


async def test_a_handler_that_hangs_counts_as_failed(redis, keys, publisher, until):
    async def hang(event, entry):
        await asyncio.Event().wait()

    await publisher.publish(failed("a", 1), subject="a")
    async with consuming(redis, {TurnFailed: hang}, handler_seconds=0.02) as consumer:
        await until(lambda: consumer.gauges.dead.total == 1)
    ((_, letter),) = await redis.xrange(keys.dead(GROUP))
    assert letter[b"reason"].startswith(b"TimeoutError")


async def test_an_event_whose_store_is_away_is_never_given_up(redis, keys, publisher, until):
    tries = 0

    async def later(event, entry):
        nonlocal tries
        tries += 1
        if tries < 9:
            raise StateUnavailable

    await publisher.publish(failed("a", 1), subject="a")
    async with consuming(redis, {TurnFailed: later}) as consumer:
        await until(lambda: consumer.gauges.handled.total == 1)
    assert tries == 9
    assert await redis.xlen(keys.dead(GROUP)) == 0


async def test_what_a_dead_process_held_is_taken_over(redis, keys, publisher, until):
    applied = Applied()
    for turn in range(250):  # more than one page
        await publisher.publish(failed("a", turn), subject="a")
    await redis.xgroup_create(keys.bus(), GROUP)
    await redis.xreadgroup(GROUP, "dead", {keys.bus(): ">"}, count=250)
    async with consuming(redis, {TurnFailed: applied}) as consumer:
        await until(lambda: len(applied.turns["a"]) == 250)
        assert consumer.gauges.claimed.total == 250
    assert applied.turns["a"] == [str(n) for n in range(250)]


async def test_what_is_in_hand_elsewhere_is_left_alone(redis, publisher, until):
    """The keeper: a handler slower than the idle time keeps its event."""
    # the keeper comes three times in it: not even a machine that stands still for a second is late
    idle = {"claim_idle_seconds": 1.5}
    release, started = asyncio.Event(), []

    async def slow(event, entry):
        started.append(entry.id)
        await release.wait()

    other = Applied()
    await publisher.publish(failed("a", 1), subject="a")
    async with consuming(redis, {TurnFailed: slow}, **idle):
        await until(lambda: len(started) == 1)
        async with consuming(redis, {TurnFailed: other}, name="two", **idle):
            # twice the idle time, told by the server's own clock
            start = await redis.time()

            async def long_enough() -> bool:
                return await redis.time() > start + 3

            await until(long_enough)
            assert (other.deliveries, len(started)) == (0, 1)
        release.set()


async def test_an_event_that_kills_its_process_every_time_is_put_aside(
    redis, keys, publisher, until
):
    applied = Applied()
    await publisher.publish(failed("a", 1), subject="a")
    await redis.xgroup_create(keys.bus(), GROUP)
    await redis.xreadgroup(GROUP, "died-1", {keys.bus(): ">"})
    entry = (await redis.xpending_range(keys.bus(), GROUP))[0][0]
    for name in ("died-2", "died-3", "died-4", "died-5"):
        await redis.xclaim(keys.bus(), GROUP, name, min_idle_ms=0, entry_ids=[entry])
    async with consuming(redis, {TurnFailed: applied}) as consumer:
        await until(lambda: consumer.gauges.dead.total == 1)
    ((_, letter),) = await redis.xrange(keys.dead(GROUP))
    assert letter[b"reason"] == b"processes died while they handled it"
    assert applied.deliveries == 0


async def test_own_pending_comes_first_after_a_restart(redis, keys, publisher, until):
    for turn in range(3):
        await publisher.publish(failed("a", turn), subject="a")
    await redis.xgroup_create(keys.bus(), GROUP)
    await redis.xreadgroup(GROUP, "one", {keys.bus(): ">"}, count=2)
    applied = Applied()
    async with consuming(redis, {TurnFailed: applied}, claim_idle_seconds=60.0):
        await until(lambda: applied.turns["a"] == ["0", "1", "2"])


@pytest.mark.parametrize("loss", ["group", "stream", "everything"])
async def test_a_lost_group_is_made_again_from_the_beginning(
    redis, keys, publisher, until, loss, redis_url
):
    applied = Applied()
    async with consuming(redis, {TurnFailed: applied}) as consumer:
        await publisher.publish(failed("a", 1), subject="a")
        await until(lambda: applied.turns["a"] == ["1"])
        if loss == "group":
            await redis.pipeline([_raw("XGROUP", "DESTROY", keys.bus(), GROUP)])
        elif loss == "stream":
            await redis.delete(keys.bus())
        else:
            await redis.pipeline([_raw("FLUSHDB")])
        await publisher.publish(failed("a", 2), subject="a")
        await until(lambda: applied.turns["a"] == ["1", "2"])
        assert consumer.gauges.alarms.total >= 1


def _raw(*words):
    return Command(words, lambda reply: reply)


async def test_stopping_lets_running_handlers_end_and_leaves_the_rest_pending(
    redis, keys, publisher, until
):
    release, started, ended = asyncio.Event(), [], []

    async def slow(event, entry):
        started.append(event.turn_id)
        await release.wait()
        ended.append(event.turn_id)

    for turn in range(3):
        await publisher.publish(failed("a", turn), subject="a")
    consumer = Consumer(
        redis, keys, group=GROUP, consumer="one", handlers={TurnFailed: slow}, clock=system_clock
    )
    task = asyncio.create_task(consumer.run())
    await until(lambda: started == ["0"])
    task.cancel()
    await asyncio.sleep(0)
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (started, ended) == (["0"], ["0"])
    assert await pending(redis, keys) == 2
    # its name stays in the group, else what it holds would be dropped
    assert [c["name"] for c in await redis.xinfo_consumers(keys.bus(), GROUP)] == [b"one"]


async def test_with_nothing_pending_a_stopped_consumer_leaves_the_group(
    redis, keys, publisher, until
):
    applied = Applied()
    async with consuming(redis, {TurnFailed: applied}):
        await publisher.publish(failed("a", 1), subject="a")
        await until(lambda: applied.deliveries == 1)
    assert await redis.xinfo_consumers(keys.bus(), GROUP) == []


async def test_two_replicas_share_the_work(redis, keys, publisher, until):
    applied, other = Applied(), Applied()
    await redis.xgroup_create(keys.bus(), GROUP)
    async with (
        consuming(redis, {TurnFailed: applied}, name="one"),
        consuming(redis, {TurnFailed: other}, name="two"),
    ):

        async def both_read() -> bool:
            return len(await redis.xinfo_consumers(keys.bus(), GROUP)) == 2

        await until(both_read)
        for turn in range(200):
            await publisher.publish(failed(f"s{turn}", turn), subject=f"s{turn}")
        await until(lambda: applied.deliveries + other.deliveries == 200)

        async def settled() -> bool:
            return await pending(redis, keys) == 0

        await until(settled)
    assert applied.deliveries > 0
    assert other.deliveries > 0


def numbered(keys, seq: int) -> Command[str]:
    fields = {"id": str(seq), "type": "turn.failed", "subject": "a", "sid8": "x", "seq": seq}
    return xadd(keys.bus(), {**fields, "data": failed("a", seq).model_dump_json()})


async def test_a_gap_in_a_sessions_numbers_is_counted(redis, keys, until):
    async with consuming(redis, {TurnFailed: Applied()}) as consumer:
        for seq in (1, 2, 5, 6):
            await redis.pipeline([numbered(keys, seq)])
        await until(lambda: consumer.gauges.gaps.total == 2)


async def test_what_another_replica_read_is_no_gap(redis, keys, until):
    applied = Applied()
    async with consuming(redis, {TurnFailed: applied}) as consumer:
        await redis.pipeline([numbered(keys, 1)])
        await until(lambda: applied.deliveries == 1)
        theirs = xreadgroup(GROUP, "two", {keys.bus(): ">"})
        await redis.transaction([numbered(keys, 2), numbered(keys, 3), theirs])
        await redis.pipeline([numbered(keys, 4)])
        await until(lambda: not consumer._alone)
        await redis.xgroup_delconsumer(keys.bus(), GROUP, "two")
        await until(lambda: consumer._alone)
        await redis.pipeline([numbered(keys, seq) for seq in (5, 8)])
        await until(lambda: consumer.gauges.gaps.total)
        assert consumer.gauges.gaps.total == 2


async def test_lag_and_pending_are_told(redis, publisher, until):
    release = asyncio.Event()

    async def slow(event, entry):
        await release.wait()

    async with consuming(redis, {TurnFailed: slow}) as consumer:
        await publisher.publish(failed("a", 1), subject="a")
        await until(lambda: consumer.gauges.pending._value.get() == 1)
        await until(lambda: consumer.gauges.lag._value.get() == 0)
        release.set()


async def test_nothing_is_lost_when_redis_is_killed_in_the_middle(tmp_path, keys, until):
    """R1 at a size that fits: what was acknowledged to the publisher is applied."""
    applied, told = Applied(), []

    with running_server(tmp_path) as server:
        client = RedisClient.open(server.url(), timeout_seconds=2.0)
        publisher = Publisher(client, keys, source="test", clock=system_clock, new_id=new_id)

        async def publish(session: str) -> None:
            for turn in range(100):
                while True:
                    with contextlib.suppress(StateUnavailable):
                        event_id = f"{session}-{turn}"
                        event = failed(session, turn)
                        await publisher.publish(event, subject=session, event_id=event_id)
                        told.append(event_id)
                        break

        async with consuming(client, twice({TurnFailed: applied})):
            writers = [asyncio.create_task(publish(f"s{n}")) for n in range(5)]
            for number in range(3):
                await until(lambda number=number: len(told) > 120 * (number + 1))
                server.kill()
                server.start()
            await asyncio.gather(*writers)
            everything = [str(n) for n in range(100)]
            for n in range(5):
                await until(lambda n=n: len(applied.turns[f"s{n}"]) == 100)
        assert all(turns == everything for turns in applied.turns.values())
        assert await client.xlen(keys.bus()) == 500  # none twice, though answers were lost
        assert await client.xlen(keys.dead(GROUP)) == 0
        await client.close()


async def test_handlers_of_several_kinds_keep_one_order(redis, publisher, until):
    order = []

    async def note(event, entry):
        order.append(entry.type)

    await publisher.publish(failed("a", 1), subject="a")
    answer = TurnAnswered(session_name="a", turn_id="2", message_id="m", epoch=1, content="hi")
    await publisher.publish(answer, subject="a")
    await publisher.publish(failed("a", 3), subject="a")
    async with consuming(redis, {TurnFailed: note, TurnAnswered: note}):
        await until(lambda: len(order) == 3)
    assert order == ["turn.failed", "turn.answered", "turn.failed"]
